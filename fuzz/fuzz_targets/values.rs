//! Times, money, slugs and free JSON: what is read is written so that it reads the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_agentping::Slug;
use tidegate_kernel::free_json::{FreeJsonLimits, content_hash};
use tidegate_kernel::{FreeJson, Timestamp, Usd};

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(instant) = Timestamp::parse(text) {
        assert_eq!(Timestamp::parse(&instant.to_string()), Ok(instant), "{instant}");
    }
    if let Ok(amount) = Usd::parse(text) {
        assert_eq!(Usd::parse(&amount.to_string()), Ok(amount), "{amount}");
    }
    if let Ok(slug) = Slug::parse(text) {
        assert_eq!(slug.as_str(), text);
        assert!(!text.chars().any(char::is_control) && text.chars().count() <= Slug::MAX_CHARS);
    }
    let hash = content_hash(text, FreeJsonLimits::DEFAULT);
    let Ok(json) = FreeJson::parse(text) else {
        assert!(hash.is_err(), "what is no JSON has no content");
        return;
    };
    if let Ok(hash) = hash {
        // Within the limits any reader can take it, and white space says nothing.
        let value: serde_json::Value = match serde_json::from_str(json.as_str()) {
            Ok(value) => value,
            // A number beyond what a double holds is the one thing that a reader may not take.
            Err(error) => return assert!(error.to_string().contains("number out of range"), "{error}: {text}"),
        };
        let spaced = format!(" {}\n", json.as_str());
        assert_eq!(content_hash(&spaced, FreeJsonLimits::DEFAULT), Ok(hash), "{value}");
    }
});
