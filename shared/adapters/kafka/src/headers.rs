//! Reads the headers of any producer's message. rdkafka's own reader panics on a header name that is not UTF-8, and one
//! such record would stop every consumer that reads it.

use std::ffi::{CStr, c_void};
use std::ptr;

use bytes::Bytes;
use rdkafka::bindings::{rd_kafka_header_get_all, rd_kafka_message_headers, rd_kafka_resp_err_t};
use rdkafka::message::BorrowedMessage;

const NO_ERROR: rd_kafka_resp_err_t = rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;

/// All headers, in their order. Invalid UTF-8 in a name is replaced; a missing value reads as an empty one.
#[expect(unsafe_code, reason = "rdkafka's safe reader panics on names that are not UTF-8")]
pub fn all(message: &BorrowedMessage<'_>) -> Vec<(String, Bytes)> {
    let mut found = Vec::new();
    let mut headers = ptr::null_mut();
    // SAFETY: the message's pointer is good for as long as its borrow; librdkafka parses the headers on this call and
    // keeps them with the message.
    if unsafe { rd_kafka_message_headers(message.ptr(), &mut headers) } != NO_ERROR {
        // The message has no headers.
        return found;
    }
    for index in 0.. {
        let (mut name, mut value, mut bytes) = (ptr::null(), ptr::null::<c_void>(), 0);
        // SAFETY: `headers` came from the call above, and an index beyond the last one is answered with an error.
        if unsafe { rd_kafka_header_get_all(headers, index, &mut name, &mut value, &mut bytes) } != NO_ERROR {
            break;
        }
        // SAFETY: librdkafka ends every name with a NUL, and both live as long as the message; they are copied here.
        let (name, value) = unsafe {
            let value = if value.is_null() { &[][..] } else { std::slice::from_raw_parts(value.cast::<u8>(), bytes) };
            (CStr::from_ptr(name).to_string_lossy().into_owned(), Bytes::copy_from_slice(value))
        };
        found.push((name, value));
    }
    found
}

/// The first header of this name.
pub fn first<'h>(headers: &'h [(String, Bytes)], name: &str) -> Option<&'h [u8]> {
    headers.iter().find(|(found, _)| found == name).map(|(_, value)| &value[..])
}
