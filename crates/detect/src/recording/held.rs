//! What the slots of a recording take once they are read.
//!
//! An empty text is one byte in a recording and a whole `Vec` in memory, so bytes read are no bound
//! of what a reader holds. The writer counts as the reader does: it writes nothing that is refused.

use std::mem::size_of;

use model::event::{Act, Container, ContainerMount, Event, Process, Text};

use postcard::ser_flavors::Size;

use super::MAX_HELD;

/// What an entry of a map takes besides its texts' bytes.
const ENTRY: usize = 2 * size_of::<String>() + 16;

/// What the slots of one kind take.
#[derive(Default)]
pub(super) struct Sizes {
    slots: Vec<usize>,
    total: usize,
}

impl Sizes {
    /// Whether there is room for a thing of the size in the slot. It then takes the place of what
    /// was there.
    pub(super) fn replace(&mut self, slot: u32, size: usize) -> bool {
        let total = self.total_with(slot, size);
        if total > MAX_HELD {
            return false;
        }
        let index = slot as usize;
        if self.slots.len() <= index {
            self.slots.resize(index + 1, 0);
        }
        if let Some(place) = self.slots.get_mut(index) {
            *place = size;
            self.total = total;
        }
        true
    }

    pub(super) fn has_room(&self, slot: u32, size: usize) -> bool {
        self.total_with(slot, size) <= MAX_HELD
    }

    fn total_with(&self, slot: u32, size: usize) -> usize {
        let earlier = self.slots.get(slot as usize).copied().unwrap_or_default();
        (self.total - earlier).saturating_add(size)
    }
}

/// What an event takes that waits to be written. Words are a program's, and shared by all that it
/// does; so are containers and ancestors.
pub fn bytes_of(event: &Event) -> usize {
    let act = postcard::serialize_with_flavor(&event.act, Size::default())
        .expect("postcard encodes every type of the model");
    let words = match event.act {
        Act::Exec { .. } => event.process.arguments.iter().chain(&*event.process.environment),
        _ => [].iter().chain(&[]),
    };
    let words: usize = words.map(|word| size_of::<Text>() + word.len()).sum();
    size_of::<Event>() + size_of::<Process>() + act + words
}

/// What a process takes whose record has so many bytes.
pub(super) fn of_process(process: &Process, record: usize) -> usize {
    let texts = process.arguments.len() + process.environment.len();
    size_of::<Process>() + texts * size_of::<Text>() + record
}

/// What a container takes whose record has so many bytes.
pub(super) fn of_container(container: &Container, record: usize) -> usize {
    let mounts = container.mounts.as_ref().map_or(0, Vec::len);
    let labels = container.labels.len() + container.pod.as_ref().map_or(0, |it| it.labels.len());
    size_of::<Container>()
        + mounts * size_of::<ContainerMount>()
        + labels * ENTRY
        + container.environment.len() * size_of::<String>()
        + record
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn empty_texts_are_counted_as_what_they_take() {
        let process =
            Process { arguments: vec![Text::default(); 1000].into(), ..Process::default() };
        let record = postcard::to_stdvec(&process).unwrap().len();
        let size = of_process(&process, record);
        assert!(record < 2000 && size > 1000 * size_of::<Text>(), "{record}, {size}");
        let environment = vec![String::new(); 1000];
        let container = Container { environment, ..Container::default() };
        assert!(of_container(&container, 0) > 1000 * size_of::<String>());
    }

    #[test]
    fn the_words_of_a_program_are_counted_where_it_begins() {
        let [exec, exit] =
            [Act::Exec { file: Default::default(), streams: Vec::new() }, Act::Exit { status: 0 }]
                .map(|act| {
                    let arguments = vec!["word".into(); 1000].into();
                    let process = Arc::new(Process { arguments, ..Process::default() });
                    bytes_of(&Event {
                        process,
                        act,
                        ..super::super::tests::samples().swap_remove(0)
                    })
                });
        assert!(exec > 1000 * size_of::<Text>() && exit < 2000, "{exec}, {exit}");
    }

    #[test]
    fn what_is_replaced_makes_room() {
        let mut sizes = Sizes::default();
        assert!(sizes.replace(0, MAX_HELD / 2) && sizes.replace(9, MAX_HELD / 2));
        assert!(!sizes.replace(1, 1) && !sizes.replace(9, MAX_HELD / 2 + 1));
        assert!(sizes.replace(9, MAX_HELD / 2 - 1) && sizes.replace(1, 1));
        assert!(!sizes.replace(2, usize::MAX));
    }
}
