CREATE TABLE IF NOT EXISTS silver.pseudonyms (
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `customer_pseudonym` string NOT NULL COMMENT 'First 32 hexadecimal digits of HMAC-SHA-256 of the id, with the key of pseudonyms',
  `key_id` string NOT NULL COMMENT 'Tells by which key; says nothing about the key'
) USING delta
COMMENT 'One row per customer of a gold table, with the name under which analysts see them. Key: customer_id.';
