//! One thing that checks look at: its kind, its place in the file, and a view of its fields.

use model::ConfigPlace;
use serde::{Deserialize, Serialize};

/// The kinds of things. A check names those that it is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum On {
    /// The configuration of an image.
    Image,
    /// A step of an image's history.
    History,
    /// An instruction of a Dockerfile.
    Dockerfile,
}

impl On {
    pub(crate) const ALL: [Self; 3] = [Self::Image, Self::History, Self::Dockerfile];

    /// As checks write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::History => "history",
            Self::Dockerfile => "dockerfile",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|on| on.name() == name)
    }

    /// What a condition calls the thing.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::History | Self::Dockerfile => "step",
        }
    }

    /// What reports say of where such a thing is, unless the thing knows better.
    pub(crate) fn place(self) -> ConfigPlace {
        match self {
            Self::Image => ConfigPlace::Image,
            Self::History => ConfigPlace::History,
            Self::Dockerfile => ConfigPlace::Dockerfile,
        }
    }

    /// A view in which every field and one element of every list is there: conditions are held
    /// against it before any scan.
    pub(crate) fn example(self) -> serde_json::Value {
        let example = match self {
            Self::Image => serde_json::to_value(super::image::Image::example()),
            Self::History | Self::Dockerfile => serde_json::to_value(super::step::Step::example()),
        };
        example.expect("plain fields have a form in JSON")
    }
}

/// A thing as a reader found it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Thing {
    pub(crate) on: On,
    pub(crate) place: ConfigPlace,
    /// From 1; 0 for all of the file.
    pub(crate) line: u32,
    /// As in [`model::Misconfiguration`].
    pub(crate) resource: String,
    /// What to show of it where a check has no better evidence.
    pub(crate) text: String,
    /// Its fields, in JSON.
    pub(crate) view: String,
}

impl Thing {
    pub(crate) fn new(on: On, line: u32, text: &str, view: &impl Serialize) -> Self {
        let view = serde_json::to_string(view).expect("plain fields have a form in JSON");
        let (resource, text) = (String::new(), text.to_owned());
        Self { on, place: on.place(), line, resource, text, view }
    }

    pub(crate) fn named(self, resource: String) -> Self {
        Self { resource, ..self }
    }
}
