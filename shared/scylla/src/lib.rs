//! Store and registry over CQL: ScyllaDB or Cassandra. The only room that knows the scylla driver.
