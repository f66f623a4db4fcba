//! Segments from outside: records in and out, hostile bytes, the directory they live in, bundles.

#[cfg(test)]
mod bundle;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod random;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod store;
