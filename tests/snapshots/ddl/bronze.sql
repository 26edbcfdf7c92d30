CREATE TABLE IF NOT EXISTS bronze.ingest_log (
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'Identifier of the file, from its name, length and time',
  `file` string COMMENT 'File name without its folder, or the name of the source table',
  `known_at` timestamp NOT NULL COMMENT 'When the file arrived (UTC)',
  `rows_in` bigint NOT NULL COMMENT 'Rows read',
  `rows_kept` bigint NOT NULL COMMENT 'Rows written to silver',
  `rows_quarantined` bigint NOT NULL COMMENT 'Rows written to silver.quarantine',
  `rows_duplicate` bigint NOT NULL COMMENT 'Exact duplicates dropped',
  `rows_left_out` bigint COMMENT 'Rows left out by the source\'s `where`; null: loaded by a version without `where`',
  `rows_erased` bigint COMMENT 'Rows of customers on silver.erasure_list, stored nowhere; null: loaded by a version without erasure',
  `fault` string COMMENT 'Rule that the file broke (empty, unreadable, encoding, line_length, expansion, columns), so that none of its rows were loaded; null: the file was loaded'
) USING delta
COMMENT 'One row per file or table read of a source that ingest has loaded completely, or has quarantined as a file. Key: source, batch_id.';

CREATE TABLE IF NOT EXISTS bronze.stream_log (
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'Identifier of the micro-batch: source, checkpoint and number',
  `number` bigint NOT NULL COMMENT 'Number of the micro-batch in its checkpoint',
  `started_at` timestamp NOT NULL COMMENT 'When the micro-batch started (UTC)',
  `rows_in` bigint NOT NULL COMMENT 'Rows read',
  `rows_kept` bigint NOT NULL COMMENT 'Rows written to silver',
  `rows_duplicate` bigint NOT NULL COMMENT 'Duplicates dropped',
  `rows_late` bigint NOT NULL COMMENT 'Rows quarantined as late',
  `rows_quarantined` bigint NOT NULL COMMENT 'Rows quarantined for another reason',
  `rows_left_out` bigint NOT NULL COMMENT 'Rows left out by the source\'s `where`, and rows of erased customers',
  `contacts` bigint NOT NULL COMMENT 'Contacts added to gold.outbox',
  `newest_event_at` timestamp COMMENT 'Newest event of this and all earlier micro-batches (UTC); null: none was kept yet',
  `watermark_at` timestamp COMMENT 'Events before this time were late (UTC); null: there was no watermark yet',
  `watermark_delay_seconds` double COMMENT 'Seconds from the watermark to the arrival of the newest row; null: no watermark',
  `duration_seconds` double NOT NULL COMMENT 'Seconds until the tables were written',
  `backlog` bigint COMMENT 'Messages in Kafka that no micro-batch had read yet; null: unknown, or files'
) USING delta
COMMENT 'One row per micro-batch that stream_events has written completely. Key: source, batch_id.';
