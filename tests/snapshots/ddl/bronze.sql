CREATE TABLE IF NOT EXISTS bronze.ingest_log (
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'Identifier of the file, from its name, length and time',
  `file` string COMMENT 'File name without its folder, or the name of the source table',
  `known_at` timestamp NOT NULL COMMENT 'When the file arrived (UTC)',
  `rows_in` bigint NOT NULL COMMENT 'Rows read',
  `rows_kept` bigint NOT NULL COMMENT 'Rows written to silver',
  `rows_quarantined` bigint NOT NULL COMMENT 'Rows written to silver.quarantine',
  `rows_duplicate` bigint NOT NULL COMMENT 'Exact duplicates dropped',
  `rows_left_out` bigint COMMENT 'Rows left out by the source\'s `where`; null: loaded by a version without `where`'
) USING delta
COMMENT 'One row per file or table read of a source that ingest has loaded completely. Key: source, batch_id.';
