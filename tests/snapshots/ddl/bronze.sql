CREATE TABLE IF NOT EXISTS bronze.ingest_log (
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'Identifier of the file: of its name, length and time',
  `file` string COMMENT 'File name without its folder, or the table that was read',
  `known_at` timestamp NOT NULL COMMENT 'When it reached us (UTC)',
  `rows_in` bigint NOT NULL COMMENT 'Rows read',
  `rows_kept` bigint NOT NULL COMMENT 'Rows written to silver',
  `rows_quarantined` bigint NOT NULL COMMENT 'Rows written to silver.quarantine',
  `rows_duplicate` bigint NOT NULL COMMENT 'Exact duplicates dropped'
) USING delta
COMMENT 'One row is: One file or read of a source that was taken in, whole. Key: source, batch_id.';
