//! AgentGate's bodies and queries, of clients and workers. The first byte chooses which one, from `a` on in the order of
//! [`Input::ALL`].

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tidegate_agentgate_api::Input;
use tidegate_agentgate_api::content::{OrderContent, ResultContent, TemplateContent, WebhookContent};
use tidegate_fuzz::MESSAGE_BYTES;

/// What sealed content may have beyond what was sent: the names of members that a client left out or wrote shorter.
const OVERHEAD_BYTES: usize = 1_024;
/// What an answer may have beyond what was sent: an envelope, and as many errors as a body can have.
const ENVELOPE_BYTES: usize = 64 << 10;

/// Sealed content reads back as what it was.
fn reads_back<T: Serialize + DeserializeOwned>(bytes: &[u8]) {
    let content: T = serde_json::from_slice(bytes).expect("what is sealed can be read");
    assert_eq!(serde_json::to_vec(&content).expect("content is JSON"), bytes);
}

fuzz_target!(|bytes: &[u8]| {
    let Some((which, sent)) = bytes.split_first() else { return };
    let input = Input::ALL[usize::from(which.wrapping_sub(b'a')) % Input::ALL.len()];
    match input.read(sent) {
        Ok(None) => {}
        Ok(Some(sealed)) => {
            assert!(sealed.len() <= sent.len() + OVERHEAD_BYTES, "{} bytes grew to {}", sent.len(), sealed.len());
            match input {
                Input::Submission => reads_back::<OrderContent>(&sealed),
                Input::Webhook => reads_back::<WebhookContent>(&sealed),
                Input::Template => reads_back::<TemplateContent>(&sealed),
                Input::Finish => reads_back::<ResultContent>(&sealed),
                _ => {}
            }
        }
        Err(refused) => {
            assert_eq!(refused.status.as_u16(), 400, "{refused:?}");
            // A field is named as the client named it.
            assert!(refused.message.len() <= sent.len() + MESSAGE_BYTES, "{refused:?}");
            assert!(refused.envelope.len() <= 4 * sent.len() + ENVELOPE_BYTES, "{} bytes", refused.envelope.len());
            let envelope: serde_json::Value = serde_json::from_str(&refused.envelope).expect("an envelope is JSON");
            assert_eq!(envelope["error"]["code"], refused.code);
        }
    }
});
