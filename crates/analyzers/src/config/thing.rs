//! One thing that checks look at: its kind, its place in the file, and a view of its fields.

use model::ConfigPlace;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::compose::Service;
use super::dockerfile::Stage;
use super::image::Image;
use super::kubernetes::{Container, Object, Pod, Rule};
use super::step::Step;
use super::system::{FileView, Line};

/// The kinds of things. A check names those that it is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum On {
    /// The configuration of an image.
    Image,
    /// A step of an image's history.
    History,
    /// An entry of the file system, of those that are worth a check.
    File,
    /// A line of a file that decides who may become whom.
    Line,
    /// An instruction of a Dockerfile.
    Dockerfile,
    /// A stage of a Dockerfile.
    Stage,
    /// A service of a Compose file.
    Compose,
    /// Any object of a Kubernetes manifest.
    Object,
    /// The pod that an object makes.
    Pod,
    /// A container of a pod.
    Container,
    /// What a role allows.
    Rule,
}

impl On {
    pub(crate) const ALL: [Self; 11] = [
        Self::Image,
        Self::History,
        Self::File,
        Self::Line,
        Self::Dockerfile,
        Self::Stage,
        Self::Compose,
        Self::Object,
        Self::Pod,
        Self::Container,
        Self::Rule,
    ];

    /// As checks write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::History => "history",
            Self::File => "file",
            Self::Line => "line",
            Self::Dockerfile => "dockerfile",
            Self::Stage => "stage",
            Self::Compose => "compose",
            Self::Object => "object",
            Self::Pod => "pod",
            Self::Container => "container",
            Self::Rule => "rule",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|on| on.name() == name)
    }

    /// What a condition calls the thing.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::History | Self::Dockerfile => "step",
            Self::Compose => "service",
            other => other.name(),
        }
    }

    /// What reports say of where such a thing is.
    pub(crate) fn place(self) -> ConfigPlace {
        match self {
            Self::Image => ConfigPlace::Image,
            Self::History => ConfigPlace::History,
            Self::File | Self::Line => ConfigPlace::FileSystem,
            Self::Dockerfile | Self::Stage => ConfigPlace::Dockerfile,
            Self::Compose => ConfigPlace::Compose,
            Self::Object | Self::Pod | Self::Container | Self::Rule => ConfigPlace::Kubernetes,
        }
    }

    /// A view in which every field and one element of every list is there: conditions are held
    /// against it before any scan.
    pub(crate) fn example(self) -> Value {
        match self {
            Self::Image => json(&Image::example()),
            Self::History | Self::Dockerfile => json(&Step::example()),
            Self::File => json(&FileView::example()),
            Self::Line => json(&Line::example()),
            Self::Stage => json(&Stage::default()),
            Self::Compose => json(&Service::example()),
            Self::Object => json(&Object::example()),
            Self::Pod => json(&Pod::example()),
            Self::Container => json(&Container::example()),
            Self::Rule => json(&Rule::default()),
        }
    }
}

fn json(view: &impl Serialize) -> Value {
    serde_json::to_value(view).expect("plain fields have a form in JSON")
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
    /// A limit was reached, so that something of it is not in the view.
    pub(crate) is_cut: bool,
}

impl Thing {
    pub(crate) fn new(on: On, line: u32, text: &str, view: &impl Serialize) -> Self {
        let view = serde_json::to_string(view).expect("plain fields have a form in JSON");
        let (resource, text) = (String::new(), text.to_owned());
        Self { on, place: on.place(), line, resource, text, view, is_cut: false }
    }

    pub(crate) fn named(self, resource: String) -> Self {
        Self { resource, ..self }
    }

    pub(crate) fn cut(self, is_cut: bool) -> Self {
        Self { is_cut, ..self }
    }
}
