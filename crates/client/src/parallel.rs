//! The same work on many things, on as many threads as there are processors.

/// Applies a function to every item, in chunks, and gives the results in order.
pub(crate) fn in_parallel<T: Sync, R: Send>(items: &[T], apply: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).clamp(1, 8);
    if threads == 1 || items.len() < 2 * threads {
        return items.iter().map(apply).collect();
    }
    let apply = &apply;
    std::thread::scope(|scope| {
        let workers: Vec<_> = items
            .chunks(items.len().div_ceil(threads))
            .map(|chunk| scope.spawn(move || chunk.iter().map(apply).collect::<Vec<R>>()))
            .collect();
        let join = |worker: std::thread::ScopedJoinHandle<'_, Vec<R>>| match worker.join() {
            Ok(results) => results,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        workers.into_iter().flat_map(join).collect()
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_are_in_order() {
        for count in [0, 1, 3, 100, 101] {
            let items: Vec<usize> = (0..count).collect();
            let expect: Vec<usize> = items.iter().map(|item| item * 2).collect();
            assert_eq!(super::in_parallel(&items, |item| item * 2), expect);
        }
    }
}
