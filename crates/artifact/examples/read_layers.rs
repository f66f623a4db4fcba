use artifact::{Environment, Options};
use model::{Entry, Visitor, Want};
use std::time::Instant;
#[derive(Default)]
struct Count(u64, u64);
impl Visitor for Count {
    fn entry(&mut self, entry: &Entry<'_>) -> Want {
        self.0 += 1;
        if entry.path.ends_with("dpkg/status") { Want::Content } else { Want::Nothing }
    }
    fn content(&mut self, _: &Entry<'_>, bytes: &[u8]) {
        self.1 += bytes.len() as u64;
    }
}
fn main() {
    for target in std::env::args().skip(1) {
        let begun = Instant::now();
        let mut options = Options { environment: Environment::of_process(), ..Options::default() };
        options.registry.insecure.push("127.0.0.1:5055".into());
        let image = match artifact::open(&target, &options) {
            Ok(image) => image,
            Err(error) => {
                println!(
                    "{target}: {error} ({:?}) hint {:?} {error:?}",
                    error.kind(),
                    error.hint_text()
                );
                continue;
            }
        };
        let opened = begun.elapsed();
        println!("{:?} {:?}", image.artifact().digest, image.artifact().manifest_digest);
        let all: Vec<u32> = image.artifact().layers.iter().map(|l| l.index).collect();
        let read = image.read(&all, &Count::default).unwrap();
        for layer in &read {
            println!(
                "{} entries {} bytes {} verified {} dpkg {} problems {:?} {:.40}",
                layer.index,
                layer.entries,
                layer.bytes,
                layer.verified,
                layer.visitor.1,
                layer.problems,
                image.artifact().layers[layer.index as usize].created_by
            );
        }
        println!(
            "{target}: opened {opened:?}, all {:?} problems {:?}",
            begun.elapsed(),
            image.problems()
        );
    }
}
