CREATE TABLE IF NOT EXISTS gold.engagement_live (
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `day` date NOT NULL COMMENT 'The open day: that of the newest event of all customers',
  `engagement_score` double COMMENT 'engagement_score as in features.behavior, with the events of the open day so far, 0 to 1; null: no component is known',
  `engagement_basis` string COMMENT 'Components used in engagement_score; null: none',
  `change_1d` double COMMENT 'engagement_score minus its value at the end of the day before; null: one is unknown',
  `level` string COMMENT 'Level of the score by stream.levels in conf; null: none',
  `level_before` string COMMENT 'Level at the end of the day before; null: none',
  `updated_at` timestamp NOT NULL COMMENT 'Last event of the customer (UTC)'
) USING delta
COMMENT 'One row per customer with an event on the open day or in the 30 days before it. Key: customer_id.';
