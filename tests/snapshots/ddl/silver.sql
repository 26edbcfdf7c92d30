CREATE TABLE IF NOT EXISTS silver.customers (
  `customer_id` string NOT NULL COMMENT 'The customer, as the company names them',
  `first_name` string COMMENT 'First name, for messages',
  `email` string COMMENT 'E-mail address',
  `language` string COMMENT 'Language for messages, as ISO 639-1',
  `signup_on` date COMMENT 'Day of signing up; null: unknown, the first purchase stands in',
  `is_opted_out` boolean COMMENT 'True: must not be contacted; null: unknown, may be contacted',
  `age_band` string COMMENT 'Age band as the source gives it',
  `gender` string COMMENT 'Gender as the source gives it',
  `income_band` string COMMENT 'Income band as the source gives it',
  `home_ownership` string COMMENT 'Owner, renter, ...',
  `marital_status` string COMMENT 'Marital status as the source gives it',
  `household_size` string COMMENT 'Persons in the household, as the source gives it',
  `household_composition` string COMMENT 'Composition of the household',
  `kids_count` string COMMENT 'Children in the household, as the source gives it',
  `region` string COMMENT 'Region or country',
  `plan` string COMMENT 'Plan or tariff',
  `contract_type` string COMMENT 'Month-to-month, one year, ...',
  `acquisition_channel` string COMMENT 'How the customer was won',
  `monthly_charge` decimal(18,2) COMMENT 'Contract price a month, in the company\'s currency',
  `valid_from` timestamp NOT NULL COMMENT 'From when this version was known (UTC)',
  `valid_to` timestamp COMMENT 'When the next version was known (UTC); null: still valid',
  `known_at` timestamp NOT NULL COMMENT 'When the row counts as known (UTC); features see it from then on',
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'The file that the row came with',
  `content_hash` bigint NOT NULL COMMENT 'Hash of the declared columns; equal hash and key: exact duplicate',
  `warnings` string COMMENT 'Names of the warning rules that the row broke, parted by \', \'; null: none'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row is: One version of a customer\'s attributes, valid over [valid_from, valid_to). Key: customer_id, valid_from. Personal data: first_name, email.'
TBLPROPERTIES ('delta.dataSkippingStatsColumns' = '`customer_id`,`language`,`signup_on`,`age_band`,`gender`,`income_band`,`home_ownership`,`marital_status`,`household_size`,`household_composition`,`kids_count`,`region`,`plan`,`contract_type`,`acquisition_channel`,`monthly_charge`,`valid_from`,`valid_to`,`known_at`,`source`,`batch_id`,`content_hash`,`warnings`');

CREATE TABLE IF NOT EXISTS silver.transactions (
  `customer_id` string NOT NULL COMMENT 'The customer, as the company names them',
  `order_id` string NOT NULL COMMENT 'The order (basket) that the line belongs to',
  `product_id` string COMMENT 'The product; null where the source has orders only',
  `purchased_at` timestamp NOT NULL COMMENT 'When (UTC)',
  `quantity` decimal(18,3) COMMENT 'Units sold; null: unknown',
  `amount` decimal(18,2) NOT NULL COMMENT 'What the customer paid; negative: a return',
  `discount` decimal(18,2) COMMENT 'What was taken off the price, >= 0; null: unknown',
  `known_at` timestamp NOT NULL COMMENT 'When the row counts as known (UTC); features see it from then on',
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'The file that the row came with',
  `content_hash` bigint NOT NULL COMMENT 'Hash of the declared columns; equal hash and key: exact duplicate',
  `warnings` string COMMENT 'Names of the warning rules that the row broke, parted by \', \'; null: none'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row is: One line of an order (or an order, where the source has no lines); negative: a return. No key.';

CREATE TABLE IF NOT EXISTS silver.support_tickets (
  `ticket_id` string NOT NULL COMMENT 'The ticket',
  `customer_id` string COMMENT 'The customer; null: nobody could be told',
  `opened_at` timestamp NOT NULL COMMENT 'When it was opened (UTC)',
  `resolved_at` timestamp COMMENT 'When it was resolved (UTC); null: open as far as known',
  `category` string COMMENT 'Category as the source gives it',
  `text` string COMMENT 'What the customer wrote',
  `known_at` timestamp NOT NULL COMMENT 'When the row counts as known (UTC); features see it from then on',
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'The file that the row came with',
  `content_hash` bigint NOT NULL COMMENT 'Hash of the declared columns; equal hash and key: exact duplicate',
  `warnings` string COMMENT 'Names of the warning rules that the row broke, parted by \', \'; null: none'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row is: One support ticket. A ticket without a customer is kept, with a warning. No key. Personal data: text.'
TBLPROPERTIES ('delta.dataSkippingStatsColumns' = '`ticket_id`,`customer_id`,`opened_at`,`resolved_at`,`category`,`known_at`,`source`,`batch_id`,`content_hash`,`warnings`');

CREATE TABLE IF NOT EXISTS silver.engagement_events (
  `customer_id` string NOT NULL COMMENT 'The customer, as the company names them',
  `event_id` string COMMENT 'The event; null where the source has no id',
  `kind` string NOT NULL COMMENT 'One of login, feature_use, email_sent, email_opened, email_replied, community_post, page_view',
  `occurred_at` timestamp NOT NULL COMMENT 'When (UTC)',
  `feature` string COMMENT 'Which feature of the product; null unless kind is feature_use',
  `duration_minutes` double COMMENT 'How long, minutes; null: not measured',
  `session_id` string COMMENT 'The session; null: unknown',
  `known_at` timestamp NOT NULL COMMENT 'When the row counts as known (UTC); features see it from then on',
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'The file that the row came with',
  `content_hash` bigint NOT NULL COMMENT 'Hash of the declared columns; equal hash and key: exact duplicate',
  `warnings` string COMMENT 'Names of the warning rules that the row broke, parted by \', \'; null: none'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row is: One thing that a customer did, or an e-mail sent to them. No key.';

CREATE TABLE IF NOT EXISTS silver.reviews (
  `customer_id` string NOT NULL COMMENT 'The customer, as the company names them',
  `review_id` string COMMENT 'The review; null where the source has no id',
  `reviewed_at` timestamp NOT NULL COMMENT 'When (UTC)',
  `stars` double COMMENT 'Stars, 1 to 5; null: none given',
  `text` string COMMENT 'What the customer wrote',
  `known_at` timestamp NOT NULL COMMENT 'When the row counts as known (UTC); features see it from then on',
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'The file that the row came with',
  `content_hash` bigint NOT NULL COMMENT 'Hash of the declared columns; equal hash and key: exact duplicate',
  `warnings` string COMMENT 'Names of the warning rules that the row broke, parted by \', \'; null: none'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row is: One review that a customer wrote. No key. Personal data: text.'
TBLPROPERTIES ('delta.dataSkippingStatsColumns' = '`customer_id`,`review_id`,`reviewed_at`,`stars`,`known_at`,`source`,`batch_id`,`content_hash`,`warnings`');

CREATE TABLE IF NOT EXISTS silver.campaign_contacts (
  `customer_id` string NOT NULL COMMENT 'The customer, as the company names them',
  `campaign_id` string NOT NULL COMMENT 'The campaign',
  `offer_id` string COMMENT 'The offer, or the kind of campaign; null: unknown',
  `contacted_at` timestamp NOT NULL COMMENT 'When the campaign reached them (UTC)',
  `ends_at` timestamp COMMENT 'When the offer ended (UTC); null: open',
  `is_treated` boolean COMMENT 'False: held out; null counts as treated',
  `is_randomised` boolean COMMENT 'True: chosen at random; false or null: targeted',
  `known_at` timestamp NOT NULL COMMENT 'When the row counts as known (UTC); features see it from then on',
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'The file that the row came with',
  `content_hash` bigint NOT NULL COMMENT 'Hash of the declared columns; equal hash and key: exact duplicate',
  `warnings` string COMMENT 'Names of the warning rules that the row broke, parted by \', \'; null: none'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row is: One customer who was sent (or, in the hold-out, deliberately not sent) a campaign\'s offer. No key.';

CREATE TABLE IF NOT EXISTS silver.offer_redemptions (
  `customer_id` string NOT NULL COMMENT 'The customer, as the company names them',
  `campaign_id` string COMMENT 'The campaign; null: unknown',
  `offer_id` string COMMENT 'The offer or coupon',
  `redeemed_at` timestamp NOT NULL COMMENT 'When (UTC)',
  `discount` decimal(18,2) COMMENT 'What it took off the price; null: unknown',
  `known_at` timestamp NOT NULL COMMENT 'When the row counts as known (UTC); features see it from then on',
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'The file that the row came with',
  `content_hash` bigint NOT NULL COMMENT 'Hash of the declared columns; equal hash and key: exact duplicate',
  `warnings` string COMMENT 'Names of the warning rules that the row broke, parted by \', \'; null: none'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row is: One redemption of an offer or coupon. No key.';

CREATE TABLE IF NOT EXISTS silver.exit_surveys (
  `customer_id` string NOT NULL COMMENT 'The customer, as the company names them',
  `answered_at` timestamp NOT NULL COMMENT 'When (UTC)',
  `reason` string NOT NULL COMMENT 'One of price, features, competitor, quality, support',
  `text` string COMMENT 'What the customer wrote',
  `known_at` timestamp NOT NULL COMMENT 'When the row counts as known (UTC); features see it from then on',
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'The file that the row came with',
  `content_hash` bigint NOT NULL COMMENT 'Hash of the declared columns; equal hash and key: exact duplicate',
  `warnings` string COMMENT 'Names of the warning rules that the row broke, parted by \', \'; null: none'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row is: One reason that a leaving customer named. No key. Personal data: text.'
TBLPROPERTIES ('delta.dataSkippingStatsColumns' = '`customer_id`,`answered_at`,`reason`,`known_at`,`source`,`batch_id`,`content_hash`,`warnings`');

CREATE TABLE IF NOT EXISTS silver.terminations (
  `customer_id` string NOT NULL COMMENT 'The customer, as the company names them',
  `terminated_at` timestamp NOT NULL COMMENT 'When the contract ended (UTC)',
  `known_at` timestamp NOT NULL COMMENT 'When the row counts as known (UTC); features see it from then on',
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'The file that the row came with',
  `content_hash` bigint NOT NULL COMMENT 'Hash of the declared columns; equal hash and key: exact duplicate',
  `warnings` string COMMENT 'Names of the warning rules that the row broke, parted by \', \'; null: none'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row is: One end of a customer\'s contract. No key.';

CREATE TABLE IF NOT EXISTS silver.quarantine (
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'The file that the row came with',
  `row_id` string NOT NULL COMMENT 'Hash of the row and, for equal rows, a running number',
  `row` string COMMENT 'The row as it came, as JSON',
  `reasons` string NOT NULL COMMENT 'Names of the rules that it broke, parted by \', \'',
  `known_at` timestamp NOT NULL COMMENT 'When the row reached us (UTC)',
  `is_replayed` boolean NOT NULL COMMENT 'True: a later replay moved it to its table'
) USING delta
COMMENT 'One row is: One row that broke a rejecting rule; whole, with its reasons, until it is replayed. Key: source, batch_id, row_id. Personal data: row.'
TBLPROPERTIES ('delta.dataSkippingStatsColumns' = '`source`,`batch_id`,`row_id`,`reasons`,`known_at`');
