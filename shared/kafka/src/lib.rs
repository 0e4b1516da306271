//! The log on Kafka: append, consume, lag, topics, dead letters. The only room that knows rdkafka.
