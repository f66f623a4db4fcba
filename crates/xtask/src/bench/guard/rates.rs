//! What is left of each load below each cover: rates taken in turn, and the medians of the ratios
//! of each round.

use super::cover::{self, Kind};
use super::load;
use super::stage::Stage;
use super::{median, quantile};

/// One round's rates: of each load below each cover.
type Round = Vec<Vec<f64>>;

pub(super) fn run(stage: &Stage, rounds: usize) -> Result<(), String> {
    let mut all: Vec<Round> = Vec::new();
    let mut said = Vec::new();
    // One that does not count: caches are cold, and the machine comes from something else.
    for number in 0..=rounds {
        let mut round = vec![vec![f64::NAN; load::ALL.len()]; cover::ALL.len()];
        let mut turns: Vec<(Kind, &mut Vec<f64>)> =
            cover::ALL.into_iter().zip(&mut round).collect();
        // Forth and back, so that what drifts does not favour the first.
        if number % 2 == 1 {
            turns.reverse();
        }
        for (kind, rates) in turns {
            let cover = kind.lay(stage)?;
            for (load, rate) in load::ALL.iter().zip(rates) {
                *rate = (load.run)(stage)?;
            }
            said.extend(cover.lift()?.map(|said| (kind, said)));
        }
        if number > 0 {
            all.push(round);
        }
    }
    print(&all);
    for kind in [Kind::Guard, Kind::WithoutCalls] {
        let last = said.iter().rev().find(|(of, _)| *of == kind);
        println!("{}, its last round: {}\n", kind.name(), last.map_or("", |(_, said)| said));
    }
    Ok(())
}

/// How much of the rate without anything is left: median of the rounds' ratios, least and most.
fn print(rounds: &[Round]) {
    let [nothing, covers @ ..] = &cover::ALL;
    print!("| load | {} |", nothing.name());
    covers.iter().for_each(|kind| print!(" {} |", kind.name()));
    println!("\n|---|{}", "---|".repeat(cover::ALL.len()));
    for (at, load) in load::ALL.iter().enumerate() {
        let rates = |cover: usize| -> Vec<f64> {
            let of = |round: &Round| round.get(cover).and_then(|rates| rates.get(at)).copied();
            rounds.iter().map(|round| of(round).unwrap_or(f64::NAN)).collect()
        };
        let without = rates(0);
        print!("| {} | {:.0}/s |", load.name, median(&without));
        for cover in 1..cover::ALL.len() {
            let ratios: Vec<f64> =
                rates(cover).iter().zip(&without).map(|(with, without)| with / without).collect();
            let (least, most) = (quantile(&ratios, 0.0), quantile(&ratios, 1.0));
            print!(" {:.3} ({least:.2} – {most:.2}) |", median(&ratios));
        }
        println!();
    }
    println!();
}
