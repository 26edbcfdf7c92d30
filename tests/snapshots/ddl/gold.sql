CREATE TABLE IF NOT EXISTS gold.erasures (
  `erasure_id` string NOT NULL COMMENT 'Identifier of the certificate',
  `request_id` string NOT NULL COMMENT 'Digest of all digests of one call of erase_customer: the same ids give the same request',
  `customer_digest` string NOT NULL COMMENT 'HMAC-SHA-256 of the id, hexadecimal',
  `key_id` string NOT NULL COMMENT 'Tells by which key the digest was made; says nothing about the key',
  `requested_at` timestamp NOT NULL COMMENT 'When the first run of the request began (UTC)',
  `done_at` timestamp COMMENT 'When everything was erased (UTC); null: the command was interrupted, run it again',
  `rows_removed` bigint NOT NULL COMMENT 'Rows of the customer, in all tables',
  `tables_touched` string COMMENT 'Tables that had such rows, with \', \' between; null: none',
  `is_log_clean` boolean COMMENT 'False: tables of a catalog, whose logs hold column statistics of old files until delta.logRetentionDuration has passed; null: not done'
) USING delta
COMMENT 'One row per erased customer and request: the certificate, without personal data. Key: erasure_id.';
