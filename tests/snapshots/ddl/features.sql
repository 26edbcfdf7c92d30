CREATE TABLE IF NOT EXISTS features.behavior_live (
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `day` date NOT NULL COMMENT 'Day of the events, in the zone of the business day',
  `events` bigint NOT NULL COMMENT 'Events of the day',
  `login_days` bigint NOT NULL COMMENT '1: the customer logged in on the day; else 0',
  `sessions` bigint NOT NULL COMMENT 'Distinct sessions of the day',
  `usage_minutes` double COMMENT 'Minutes of use; null: no event has a duration',
  `features_used` bigint NOT NULL COMMENT 'Distinct product features used on the day',
  `features` string NOT NULL COMMENT 'Their names, sorted, separated by the character U+001F; empty: none',
  `page_views` bigint NOT NULL COMMENT 'Page views of the day',
  `community_posts` bigint NOT NULL COMMENT 'Community posts of the day',
  `emails_sent` bigint NOT NULL COMMENT 'E-mails sent to the customer on the day',
  `emails_opened` bigint NOT NULL COMMENT 'E-mails opened on the day',
  `emails_replied` bigint NOT NULL COMMENT 'E-mails replied to on the day',
  `last_event_at` timestamp NOT NULL COMMENT 'Last event of the day (UTC)'
) USING delta
CLUSTER BY (day)
COMMENT 'One row per customer and day with an event, for the open day and the 30 days before it. Key: customer_id, day.';
