//! Two at once: promises that must hold also then.

use futures::future::join;

use crate::conformance::Case;
use crate::conformance::bench::{Bench, request};
use crate::conformance::case::{Outcome, Stop, case, ensure, ensure_eq};
use crate::conformance::need::{ATOMIC_CREATE, CONDITIONAL_CHANGE};
use crate::{Attributes, ErrorKind, Expect, Kind};

pub(super) const CASES: &[Case] = &[
    case!(one_of_two_creates_wins, "", &[ATOMIC_CREATE]),
    case!(one_of_two_folders_wins, "", &[ATOMIC_CREATE]),
    case!(one_of_file_and_folder_wins, "", &[ATOMIC_CREATE]),
    case!(one_of_two_overwrites_wins, "", &[CONDITIONAL_CHANGE]),
    case!(overwrite_or_delete_wins, "", &[CONDITIONAL_CHANGE]),
    case!(
        one_of_two_renames_to_a_name_wins,
        "",
        &[ATOMIC_CREATE, CONDITIONAL_CHANGE]
    ),
    case!(many_calls_at_once_are_fine, "P011", &[]),
];

const ROUNDS: usize = 20;

/// True if the first won and the other was refused like that, false if it was the other way round.
fn one_won<A, B>(
    answers: (crate::Result<A>, crate::Result<B>),
    loser: &[ErrorKind],
) -> Result<bool, Stop> {
    match answers {
        (Ok(_), Err(error)) if loser.contains(&error.kind()) => Ok(true),
        (Err(error), Ok(_)) if loser.contains(&error.kind()) => Ok(false),
        (Ok(_), Ok(_)) => Err(Stop::Failed("both were done".into())),
        (Err(error), _) | (_, Err(error)) => Err(Stop::Failed(format!("the loser: {error:?}"))),
    }
}

async fn one_of_two_creates_wins(bench: &mut Bench<'_>) -> Outcome {
    let other = bench
        .fixture
        .second()
        .await
        .map_or_else(|| bench.provider.clone(), Into::into);
    for round in 0..ROUNDS {
        let name = format!("a{round}");
        let target = bench.target(&name).await?;
        let first = bench
            .provider
            .write(request(target.clone(), Expect::Free, b"first"));
        let second = other.write(request(target, Expect::Free, b"second"));
        let first_won = one_won(join(first, second).await, &[ErrorKind::AlreadyExists])?;
        let right = if first_won { "first" } else { "second" };
        ensure_eq!(bench.content(&name).await?, right, "round {round}");
    }
    Ok(())
}

async fn one_of_two_folders_wins(bench: &mut Bench<'_>) -> Outcome {
    for round in 0..ROUNDS {
        let target = bench.target(&format!("d{round}")).await?;
        let first = bench.provider.create_folder(&target, Attributes::default());
        let second = bench.provider.create_folder(&target, Attributes::default());
        one_won(join(first, second).await, &[ErrorKind::AlreadyExists])?;
    }
    ensure_eq!(bench.names().await?.len(), ROUNDS, "folders");
    Ok(())
}

async fn one_of_file_and_folder_wins(bench: &mut Bench<'_>) -> Outcome {
    for round in 0..ROUNDS {
        let name = format!("x{round}");
        let target = bench.target(&name).await?;
        let first = bench
            .provider
            .write(request(target.clone(), Expect::Free, b"file"));
        let second = bench.provider.create_folder(&target, Attributes::default());
        let file_won = one_won(join(first, second).await, &[ErrorKind::AlreadyExists])?;
        let right = if file_won { Kind::File } else { Kind::Folder };
        ensure_eq!(
            bench.look(&name).await?.observed.kind,
            right,
            "round {round}"
        );
    }
    Ok(())
}

async fn one_of_two_overwrites_wins(bench: &mut Bench<'_>) -> Outcome {
    for round in 0..ROUNDS {
        let name = format!("a{round}");
        bench.file(&name, b"old").await?;
        let old = bench.settled(&name).await?;
        let target = bench.target(&name).await?;
        let write = |content| request(target.clone(), old.unchanged(), content);
        let first = bench.provider.write(write(b"the first"));
        let second = bench.provider.write(write(b"the other one"));
        let answers = join(first, second).await;
        let first_won = one_won(answers, &[ErrorKind::PreconditionFailed])?;
        let right = if first_won {
            "the first"
        } else {
            "the other one"
        };
        ensure_eq!(bench.content(&name).await?, right, "round {round}");
    }
    Ok(())
}

async fn overwrite_or_delete_wins(bench: &mut Bench<'_>) -> Outcome {
    for round in 0..ROUNDS {
        let name = format!("a{round}");
        bench.file(&name, b"old").await?;
        let old = bench.settled(&name).await?;
        let target = bench.target(&name).await?;
        let write = bench
            .provider
            .write(request(target, old.unchanged(), b"newer"));
        let delete = bench.delete(&old);
        let kinds = &[ErrorKind::PreconditionFailed, ErrorKind::NotFound];
        if one_won(join(write, delete).await, kinds)? {
            ensure_eq!(bench.content(&name).await?, "newer", "round {round}");
        } else {
            ensure_eq!(bench.find(&name).await?, None, "round {round}");
        }
    }
    Ok(())
}

async fn one_of_two_renames_to_a_name_wins(bench: &mut Bench<'_>) -> Outcome {
    for round in 0..ROUNDS {
        let first = bench.file(&format!("a{round}"), b"first").await?;
        let second = bench.file(&format!("b{round}"), b"second").await?;
        let name = format!("to{round}");
        let target = bench.target(&name).await?;
        let answers = join(
            bench.provider.rename(&first.at, Some(first.tag()), &target),
            bench
                .provider
                .rename(&second.at, Some(second.tag()), &target),
        );
        let first_won = one_won(answers.await, &[ErrorKind::AlreadyExists])?;
        let (right, loser) = if first_won {
            ("first", second)
        } else {
            ("second", first)
        };
        ensure_eq!(bench.content(&name).await?, right, "round {round}");
        ensure!(
            bench.find(&loser.at.path).await?.is_some(),
            "the loser of {round} is gone"
        );
    }
    Ok(())
}

async fn many_calls_at_once_are_fine(bench: &mut Bench<'_>) -> Outcome {
    let bench = &*bench;
    let calls = (0..50).map(|number| async move {
        let path = format!("a{number}");
        let file = bench.file(&path, path.as_bytes()).await?;
        let file = bench
            .overwrite(&file, format!("{path} again").as_bytes())
            .await?;
        let file = bench.rename(&file, &format!("b{number}")).await?;
        if number % 2 == 0 {
            bench.delete(&file).await?;
        }
        Ok::<_, Stop>(())
    });
    for done in futures::future::join_all(calls).await {
        done?;
    }
    let tree = bench.tree().await?;
    ensure_eq!(tree.len(), 25, "files left");
    for (path, (content, _)) in tree {
        let right = format!("a{} again", &path[1..]);
        ensure_eq!(content, right.as_bytes(), "content of {path}");
    }
    Ok(())
}
