//! For tests alone: builders of images and archives, a registry that misbehaves.
