//! The suite of the books port.

use std::sync::Arc;

use tidegate_kernel::{LogKey, Position};
use tidegate_ports::{BookWrite, Books, MAX_BOOK_BYTES, StoreError, StoredBook};

use crate::minted::{at, at_in_next, owner};

/// Runs every case.
pub async fn suite(books: &dyn Books) {
    books_are_found_in_the_order_asked(books).await;
    of_two_writes_the_further_one_stays(books).await;
    many_books_are_saved_at_once(books).await;
    a_book_may_have_any_bytes_up_to_the_bound(books).await;
}

fn write(owner: LogKey, decided_to: Position, doc: &[u8]) -> BookWrite {
    BookWrite { owner, book: StoredBook { doc: doc.to_vec(), decided_to } }
}

async fn save(books: &dyn Books, writes: Vec<BookWrite>) {
    books.save(Arc::new(writes)).await.expect("saved");
}

async fn load(books: &dyn Books, owner: LogKey) -> Option<StoredBook> {
    books.load(&[owner]).await.expect("loaded").pop().expect("one for each asked")
}

async fn books_are_found_in_the_order_asked(books: &dyn Books) {
    let [one, two, unknown] = [owner(), owner(), owner()];
    assert_eq!(books.load(&[]).await, Ok(vec![]));
    assert_eq!(books.load(&[one, unknown]).await, Ok(vec![None, None]));
    let writes = [write(one, at(3), b"{\"a\":1}"), write(two, at(4), b"{\"b\":2}")];
    save(books, writes.to_vec()).await;
    let [of_one, of_two] = writes.map(|write| Some(write.book));
    let found = books.load(&[two, unknown, one, two]).await;
    assert_eq!(found, Ok(vec![of_two.clone(), None, of_one, of_two]));
    save(books, vec![]).await;
}

async fn of_two_writes_the_further_one_stays(books: &dyn Books) {
    let owner = owner();
    let [older, newer] = [write(owner, at(5), b"older"), write(owner, at(6), b"newer")];
    for write in [&older, &newer, &older, &newer, &newer] {
        save(books, vec![write.clone()]).await;
    }
    assert_eq!(load(books, owner).await, Some(newer.book));
    // A position of a newer generation is further, whatever its offset.
    let next = write(owner, at_in_next(0), b"next");
    save(books, vec![next.clone()]).await;
    save(books, vec![write(owner, at(7), b"older again")]).await;
    assert_eq!(load(books, owner).await, Some(next.book));
}

async fn many_books_are_saved_at_once(books: &dyn Books) {
    let owners: Vec<LogKey> = (0..300).map(|_| owner()).collect();
    let writes: Vec<BookWrite> =
        owners.iter().zip(0..).map(|(owner, offset)| write(*owner, at(offset), &[b'x'; 700])).collect();
    let expected: Vec<_> = writes.iter().map(|write| Some(write.book.clone())).collect();
    save(books, writes).await;
    assert_eq!(books.load(&owners).await, Ok(expected));
}

async fn a_book_may_have_any_bytes_up_to_the_bound(books: &dyn Books) {
    let [largest, too_large, empty] = [owner(), owner(), owner()];
    let bytes: Vec<u8> = (0..MAX_BOOK_BYTES).map(|number| (number % 251) as u8).collect();
    let writes = [write(largest, at(1), &bytes), write(empty, at(1), b"")];
    save(books, writes.to_vec()).await;
    for write in &writes {
        assert_eq!(load(books, write.owner).await.as_ref(), Some(&write.book));
    }
    let refused = books.save(Arc::new(vec![write(too_large, at(1), &[b'x'; MAX_BOOK_BYTES + 1])])).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    assert_eq!(load(books, too_large).await, None);
    // The refusal changed nothing for the next write.
    save(books, vec![write(too_large, at(1), b"small")]).await;
    assert!(load(books, too_large).await.is_some());
}
