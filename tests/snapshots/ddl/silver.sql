CREATE TABLE IF NOT EXISTS silver.customers (
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `first_name` string COMMENT 'First name, used in messages',
  `email` string COMMENT 'E-mail address',
  `language` string COMMENT 'Language of messages, ISO 639-1 code',
  `signup_on` date COMMENT 'Day of signup; null: unknown, the first purchase is used instead',
  `is_opted_out` boolean COMMENT 'True: the customer must not be contacted; null: consent unknown, contact.when_consent_unknown in conf decides',
  `age_band` string COMMENT 'Age band, as in the source',
  `gender` string COMMENT 'Gender, as in the source',
  `income_band` string COMMENT 'Income band, as in the source',
  `home_ownership` string COMMENT 'Home ownership: owner, renter, ...',
  `marital_status` string COMMENT 'Marital status, as in the source',
  `household_size` string COMMENT 'Persons in the household, as in the source',
  `household_composition` string COMMENT 'Composition of the household',
  `kids_count` string COMMENT 'Children in the household, as in the source',
  `region` string COMMENT 'Region or country',
  `plan` string COMMENT 'Plan or tariff',
  `contract_type` string COMMENT 'Contract type: month-to-month, one year, ...',
  `acquisition_channel` string COMMENT 'Channel through which the customer was acquired',
  `monthly_charge` decimal(18,2) COMMENT 'Contract price per month, in the company\'s currency',
  `valid_from` timestamp NOT NULL COMMENT 'When this version became known (UTC)',
  `valid_to` timestamp COMMENT 'When the next version became known (UTC); null: still valid',
  `known_at` timestamp NOT NULL COMMENT 'When the row became known (UTC); features use the row from then on',
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'Identifier of the file that delivered the row',
  `content_hash` bigint NOT NULL COMMENT 'Hash of the declared columns; same key and hash: exact duplicate',
  `warnings` string COMMENT 'Names of the warning rules that the row broke, separated by \', \'; null: none'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row per customer and version of their attributes, valid in [valid_from, valid_to). Key: customer_id, valid_from. Personal data: first_name, email.'
TBLPROPERTIES ('delta.dataSkippingStatsColumns' = '`customer_id`,`language`,`signup_on`,`age_band`,`gender`,`income_band`,`home_ownership`,`marital_status`,`household_size`,`household_composition`,`kids_count`,`region`,`plan`,`contract_type`,`acquisition_channel`,`monthly_charge`,`valid_from`,`valid_to`,`known_at`,`source`,`batch_id`,`content_hash`,`warnings`');

CREATE TABLE IF NOT EXISTS silver.transactions (
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `order_id` string NOT NULL COMMENT 'Identifier of the order (basket) of the line',
  `product_id` string COMMENT 'Product identifier; null: the source has orders only',
  `purchased_at` timestamp NOT NULL COMMENT 'When the purchase was made (UTC)',
  `quantity` decimal(18,3) COMMENT 'Units sold; null: unknown',
  `amount` decimal(18,2) NOT NULL COMMENT 'Amount that the customer paid, currency; negative: a return',
  `discount` decimal(18,2) COMMENT 'Discount on the price, currency, >= 0; null: unknown',
  `line_number` string COMMENT 'Number of the line within its order; null: the source has none',
  `currency` string COMMENT 'Currency of the amounts, ISO 4217 code; null: the source has none',
  `known_at` timestamp NOT NULL COMMENT 'When the row became known (UTC); features use the row from then on',
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'Identifier of the file that delivered the row',
  `content_hash` bigint NOT NULL COMMENT 'Hash of the declared columns; same key and hash: exact duplicate',
  `warnings` string COMMENT 'Names of the warning rules that the row broke, separated by \', \'; null: none'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row per order line, or per order if the source has no lines. A return is negative. No key.';

CREATE TABLE IF NOT EXISTS silver.support_tickets (
  `ticket_id` string NOT NULL COMMENT 'Ticket identifier',
  `customer_id` string COMMENT 'Customer identifier of the company; null: unknown',
  `opened_at` timestamp NOT NULL COMMENT 'When the ticket was opened (UTC)',
  `resolved_at` timestamp COMMENT 'When the ticket was resolved (UTC); null: not known to be resolved',
  `category` string COMMENT 'Category, as in the source',
  `text` string COMMENT 'Text that the customer wrote',
  `known_at` timestamp NOT NULL COMMENT 'When the row became known (UTC); features use the row from then on',
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'Identifier of the file that delivered the row',
  `content_hash` bigint NOT NULL COMMENT 'Hash of the declared columns; same key and hash: exact duplicate',
  `warnings` string COMMENT 'Names of the warning rules that the row broke, separated by \', \'; null: none'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row per support ticket. A ticket without a customer is kept with a warning. No key. Personal data: text.'
TBLPROPERTIES ('delta.dataSkippingStatsColumns' = '`ticket_id`,`customer_id`,`opened_at`,`resolved_at`,`category`,`known_at`,`source`,`batch_id`,`content_hash`,`warnings`');

CREATE TABLE IF NOT EXISTS silver.engagement_events (
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `event_id` string COMMENT 'Event identifier; null: the source has none',
  `kind` string NOT NULL COMMENT 'One of login, feature_use, email_sent, email_opened, email_replied, community_post, page_view',
  `occurred_at` timestamp NOT NULL COMMENT 'When the event occurred (UTC)',
  `feature` string COMMENT 'Product feature that was used; null unless kind is feature_use',
  `duration_minutes` double COMMENT 'Duration in minutes; null: not measured',
  `session_id` string COMMENT 'Session identifier; null: unknown',
  `known_at` timestamp NOT NULL COMMENT 'When the row became known (UTC); features use the row from then on',
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'Identifier of the file that delivered the row',
  `content_hash` bigint NOT NULL COMMENT 'Hash of the declared columns; same key and hash: exact duplicate',
  `warnings` string COMMENT 'Names of the warning rules that the row broke, separated by \', \'; null: none'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row per action of a customer, or per e-mail sent to a customer. No key.';

CREATE TABLE IF NOT EXISTS silver.reviews (
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `review_id` string COMMENT 'Review identifier; null: the source has none',
  `reviewed_at` timestamp NOT NULL COMMENT 'When the review was written (UTC)',
  `stars` double COMMENT 'Stars, 1 to 5; null: no stars given',
  `text` string COMMENT 'Text that the customer wrote',
  `known_at` timestamp NOT NULL COMMENT 'When the row became known (UTC); features use the row from then on',
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'Identifier of the file that delivered the row',
  `content_hash` bigint NOT NULL COMMENT 'Hash of the declared columns; same key and hash: exact duplicate',
  `warnings` string COMMENT 'Names of the warning rules that the row broke, separated by \', \'; null: none'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row per review that a customer wrote. No key. Personal data: text.'
TBLPROPERTIES ('delta.dataSkippingStatsColumns' = '`customer_id`,`review_id`,`reviewed_at`,`stars`,`known_at`,`source`,`batch_id`,`content_hash`,`warnings`');

CREATE TABLE IF NOT EXISTS silver.campaign_contacts (
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `campaign_id` string NOT NULL COMMENT 'Campaign identifier',
  `offer_id` string COMMENT 'Offer identifier, or the kind of campaign; null: unknown',
  `contacted_at` timestamp NOT NULL COMMENT 'When the campaign contacted the customer (UTC)',
  `ends_at` timestamp COMMENT 'When the offer ended (UTC); null: no end',
  `is_treated` boolean COMMENT 'False: held out; null: counts as treated',
  `is_randomised` boolean COMMENT 'True: treatment was assigned at random; false or null: targeted',
  `known_at` timestamp NOT NULL COMMENT 'When the row became known (UTC); features use the row from then on',
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'Identifier of the file that delivered the row',
  `content_hash` bigint NOT NULL COMMENT 'Hash of the declared columns; same key and hash: exact duplicate',
  `warnings` string COMMENT 'Names of the warning rules that the row broke, separated by \', \'; null: none'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row per customer and contact by a campaign. Held-out customers have a row although nothing was sent. No key.';

CREATE TABLE IF NOT EXISTS silver.offer_redemptions (
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `campaign_id` string COMMENT 'Campaign identifier; null: unknown',
  `offer_id` string COMMENT 'Identifier of the offer or coupon',
  `redeemed_at` timestamp NOT NULL COMMENT 'When the offer was redeemed (UTC)',
  `discount` decimal(18,2) COMMENT 'Discount on the price, currency; null: unknown',
  `known_at` timestamp NOT NULL COMMENT 'When the row became known (UTC); features use the row from then on',
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'Identifier of the file that delivered the row',
  `content_hash` bigint NOT NULL COMMENT 'Hash of the declared columns; same key and hash: exact duplicate',
  `warnings` string COMMENT 'Names of the warning rules that the row broke, separated by \', \'; null: none'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row per redemption of an offer or coupon. No key.';

CREATE TABLE IF NOT EXISTS silver.fulfilments (
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `offer_id` string NOT NULL COMMENT 'Offer in conf/offers.yaml',
  `campaign_id` string COMMENT 'Campaign of the contact in gold.outbox; null: every contact of the offer that is valid on that day',
  `fulfilled_at` timestamp NOT NULL COMMENT 'When the offer was booked (UTC)',
  `known_at` timestamp NOT NULL COMMENT 'When the row became known (UTC); features use the row from then on',
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'Identifier of the file that delivered the row',
  `content_hash` bigint NOT NULL COMMENT 'Hash of the declared columns; same key and hash: exact duplicate',
  `warnings` string COMMENT 'Names of the warning rules that the row broke, separated by \', \'; null: none'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row per offer that was booked for a customer, such as points added to the account. deliver_outbox sends the message of an offer with needs_fulfilment only after it. No key.';

CREATE TABLE IF NOT EXISTS silver.task_outcomes (
  `task_id` string NOT NULL COMMENT 'Task identifier',
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `campaign_id` string NOT NULL COMMENT 'Campaign of the playbook',
  `owner` string COMMENT 'Who had to do the task; null: unknown',
  `due_on` date COMMENT 'Day by which it was due; null: no day was set',
  `outcome` string NOT NULL COMMENT 'One of done, not_reached, declined, not_done; declined: the customer refused',
  `noted_at` timestamp NOT NULL COMMENT 'When the outcome was noted (UTC)',
  `noted_by` string COMMENT 'Who noted it; null: unknown',
  `known_at` timestamp NOT NULL COMMENT 'When the row became known (UTC); features use the row from then on',
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'Identifier of the file that delivered the row',
  `content_hash` bigint NOT NULL COMMENT 'Hash of the declared columns; same key and hash: exact duplicate',
  `warnings` string COMMENT 'Names of the warning rules that the row broke, separated by \', \'; null: none'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row per task of a playbook whose outcome a person noted. A playbook is a campaign whose offer is an action, such as a call. No key.';

CREATE TABLE IF NOT EXISTS silver.exit_surveys (
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `answered_at` timestamp NOT NULL COMMENT 'When the survey was answered (UTC)',
  `reason` string NOT NULL COMMENT 'One of price, features, competitor, quality, support',
  `text` string COMMENT 'Text that the customer wrote',
  `known_at` timestamp NOT NULL COMMENT 'When the row became known (UTC); features use the row from then on',
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'Identifier of the file that delivered the row',
  `content_hash` bigint NOT NULL COMMENT 'Hash of the declared columns; same key and hash: exact duplicate',
  `warnings` string COMMENT 'Names of the warning rules that the row broke, separated by \', \'; null: none'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row per customer and reason for leaving that they named. No key. Personal data: text.'
TBLPROPERTIES ('delta.dataSkippingStatsColumns' = '`customer_id`,`answered_at`,`reason`,`known_at`,`source`,`batch_id`,`content_hash`,`warnings`');

CREATE TABLE IF NOT EXISTS silver.survey_answers (
  `customer_id` string COMMENT 'Customer identifier of the company; null: see token',
  `token` string COMMENT 'Token of the survey link, verified by ingest; its first 32 characters are the contact_id in gold.outbox. If it is set, it decides who answered; null: none',
  `answered_at` timestamp NOT NULL COMMENT 'When the survey was answered (UTC)',
  `score` double NOT NULL COMMENT 'Satisfaction, 0 (not at all) to 10',
  `text` string COMMENT 'Text that the customer wrote',
  `known_at` timestamp NOT NULL COMMENT 'When the row became known (UTC); features use the row from then on',
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'Identifier of the file that delivered the row',
  `content_hash` bigint NOT NULL COMMENT 'Hash of the declared columns; same key and hash: exact duplicate',
  `warnings` string COMMENT 'Names of the warning rules that the row broke, separated by \', \'; null: none'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row per answer to a survey, from the customer of customer_id or of the signed token. No key. Personal data: text.'
TBLPROPERTIES ('delta.dataSkippingStatsColumns' = '`customer_id`,`token`,`answered_at`,`score`,`known_at`,`source`,`batch_id`,`content_hash`,`warnings`');

CREATE TABLE IF NOT EXISTS silver.terminations (
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `terminated_at` timestamp NOT NULL COMMENT 'When the contract ended (UTC)',
  `known_at` timestamp NOT NULL COMMENT 'When the row became known (UTC); features use the row from then on',
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'Identifier of the file that delivered the row',
  `content_hash` bigint NOT NULL COMMENT 'Hash of the declared columns; same key and hash: exact duplicate',
  `warnings` string COMMENT 'Names of the warning rules that the row broke, separated by \', \'; null: none'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row per termination of a customer\'s contract. No key.';

CREATE TABLE IF NOT EXISTS silver.quarantine (
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'Identifier of the file that delivered the row',
  `row_id` string NOT NULL COMMENT 'Hash of the row, with a running number for equal rows',
  `row` string COMMENT 'The source row as JSON, unchanged',
  `reasons` string NOT NULL COMMENT 'Names of the rules that the row broke, separated by \', \'',
  `known_at` timestamp NOT NULL COMMENT 'When the row arrived (UTC)',
  `is_replayed` boolean NOT NULL COMMENT 'True: a later replay moved the row to its table'
) USING delta
COMMENT 'One row per source row that broke a rule of severity reject, with the reasons. A replay moves the row to its table once it passes. Key: source, batch_id, row_id. Personal data: row.'
TBLPROPERTIES ('delta.dataSkippingStatsColumns' = '`source`,`batch_id`,`row_id`,`reasons`,`known_at`');

CREATE TABLE IF NOT EXISTS silver.payments (
  `payment_id` string NOT NULL COMMENT 'Identifier of the payment',
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `card_id` string COMMENT 'Token of the card, never its number; null: no card',
  `device_id` string COMMENT 'Identifier of the device; null: unknown',
  `merchant_id` string NOT NULL COMMENT 'Identifier of the merchant',
  `merchant_category` string COMMENT 'Category of the merchant; null: unknown',
  `country` string COMMENT 'Country of the payment, ISO 3166 code; null: unknown',
  `latitude` double COMMENT 'Latitude of the payment, degrees; null: unknown',
  `longitude` double COMMENT 'Longitude of the payment, degrees; null: unknown',
  `amount` decimal(18,2) NOT NULL COMMENT 'Amount, currency',
  `paid_at` timestamp NOT NULL COMMENT 'When the payment was made (UTC)',
  `received_at` timestamp COMMENT 'received_at of the answer of /fraud/score (UTC): the order of arrival; null: as paid_at',
  `known_at` timestamp NOT NULL COMMENT 'When the row became known (UTC); features use the row from then on',
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'Identifier of the file that delivered the row',
  `content_hash` bigint NOT NULL COMMENT 'Hash of the declared columns; same key and hash: exact duplicate',
  `warnings` string COMMENT 'Names of the warning rules that the row broke, separated by \', \'; null: none'
) USING delta
CLUSTER BY (customer_id)
COMMENT 'One row per payment, declined ones too. A refund is no payment. Key: payment_id. Personal data: latitude, longitude.'
TBLPROPERTIES ('delta.dataSkippingStatsColumns' = '`payment_id`,`customer_id`,`card_id`,`device_id`,`merchant_id`,`merchant_category`,`country`,`amount`,`paid_at`,`received_at`,`known_at`,`source`,`batch_id`,`content_hash`,`warnings`');

CREATE TABLE IF NOT EXISTS silver.fraud_labels (
  `payment_id` string NOT NULL COMMENT 'Identifier of the payment',
  `is_fraud` boolean NOT NULL COMMENT 'True: fraud; false: a review found none',
  `label_source` string NOT NULL COMMENT 'review (a person looked at the payment) or chargeback (the cardholder disputed it)',
  `labelled_at` timestamp NOT NULL COMMENT 'When the label became known (UTC)',
  `known_at` timestamp NOT NULL COMMENT 'When the row became known (UTC); features use the row from then on',
  `source` string NOT NULL COMMENT 'Name of the source in conf',
  `batch_id` string NOT NULL COMMENT 'Identifier of the file that delivered the row',
  `content_hash` bigint NOT NULL COMMENT 'Hash of the declared columns; same key and hash: exact duplicate',
  `warnings` string COMMENT 'Names of the warning rules that the row broke, separated by \', \'; null: none'
) USING delta
CLUSTER BY (payment_id)
COMMENT 'One row per payment whose fraud label is known. Payments that nobody reviewed or disputed have none. Key: payment_id.';

CREATE TABLE IF NOT EXISTS silver.erasure_list (
  `request_id` string NOT NULL COMMENT 'Digest of all digests of one call of erase_customer: the same ids give the same request',
  `digest` string NOT NULL COMMENT 'HMAC-SHA-256 of the value, hexadecimal',
  `key_id` string NOT NULL COMMENT 'Tells by which key the digest was made; says nothing about the key'
) USING delta
COMMENT 'One row per request and value of an erased customer: the id, an e-mail address, or the id of a contact. Ingest leaves rows out whose values have one of these digests. Key: request_id, digest.';

CREATE TABLE IF NOT EXISTS silver.pseudonyms (
  `customer_id` string NOT NULL COMMENT 'Customer identifier of the company',
  `customer_pseudonym` string NOT NULL COMMENT 'First 32 hexadecimal digits of HMAC-SHA-256 of the id, with the key of pseudonyms',
  `key_id` string NOT NULL COMMENT 'Tells by which key; says nothing about the key'
) USING delta
COMMENT 'One row per customer of a gold table, with the name under which analysts see them. Key: customer_id.';
