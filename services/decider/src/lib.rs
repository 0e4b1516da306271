//! The consumer that decides commands: books → facts → judge → views → facts → effects → books, for any product.
