//! The cheapest way to reach every node from a root, by Chu-Liu and Edmonds.
//!
//! Y. Chu and T. Liu, "On the shortest arborescence of a directed graph", 1965; J. Edmonds, "Optimum
//! branchings", 1967. Circles are contracted level by level in a loop, so depth costs no stack.

/// A directed edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arc {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) weight: i128,
}

/// One level of contraction.
struct Level {
    arcs: Vec<Arc>,
    /// Which arc of the level above each came from.
    origin: Vec<usize>,
    /// The cheapest arc into each node.
    best: Vec<Option<usize>>,
    /// On which circle each node is.
    circle: Vec<Option<usize>>,
}

/// For each node the number of the arc that leads to it, none for the root; of arcs that cost the same
/// the first is taken. None when a node cannot be reached.
pub(super) fn arborescence(nodes: usize, root: usize, arcs: &[Arc]) -> Option<Vec<Option<usize>>> {
    let mut levels: Vec<Level> = Vec::new();
    let (mut nodes, mut root) = (nodes, root);
    let mut arcs = arcs.to_vec();
    let mut origin: Vec<usize> = (0..arcs.len()).collect();
    loop {
        let best = cheapest(nodes, root, &arcs)?;
        let (circle, circles) = circles(nodes, &arcs, &best);
        let level = Level { arcs, origin, best, circle };
        if circles == 0 {
            levels.push(level);
            return Some(unfold(levels));
        }
        // Circles become the first nodes of the next level, the others follow.
        let mut number = circles;
        let renumbered: Vec<usize> = level
            .circle
            .iter()
            .map(|circle| {
                circle.unwrap_or_else(|| {
                    number += 1;
                    number - 1
                })
            })
            .collect();
        (arcs, origin) = contract(&level, &renumbered);
        (nodes, root) = (number, renumbered[root]);
        levels.push(level);
    }
}

fn cheapest(nodes: usize, root: usize, arcs: &[Arc]) -> Option<Vec<Option<usize>>> {
    let mut best: Vec<Option<usize>> = vec![None; nodes];
    for (number, arc) in arcs.iter().enumerate() {
        if arc.to == root || arc.from == arc.to {
            continue;
        }
        let is_better = best[arc.to].is_none_or(|old| arc.weight < arcs[old].weight);
        if is_better {
            best[arc.to] = Some(number);
        }
    }
    let is_reached = |(node, best): (usize, &Option<usize>)| node == root || best.is_some();
    best.iter().enumerate().all(is_reached).then_some(best)
}

/// On which circle of the cheapest arcs each node is, and how many there are.
fn circles(nodes: usize, arcs: &[Arc], best: &[Option<usize>]) -> (Vec<Option<usize>>, usize) {
    let mut circle = vec![None; nodes];
    let mut visited = vec![usize::MAX; nodes];
    let mut count = 0;
    for start in 0..nodes {
        let mut node = start;
        while visited[node] == usize::MAX {
            visited[node] = start;
            let Some(arc) = best[node] else { break };
            node = arcs[arc].from;
        }
        if visited[node] != start || best[node].is_none() || circle[node].is_some() {
            continue;
        }
        let first = node;
        loop {
            circle[node] = Some(count);
            let Some(arc) = best[node] else { break };
            node = arcs[arc].from;
            if node == first {
                break;
            }
        }
        count += 1;
    }
    (circle, count)
}

fn contract(level: &Level, renumbered: &[usize]) -> (Vec<Arc>, Vec<usize>) {
    let (mut arcs, mut origin) = (Vec::new(), Vec::new());
    for (number, arc) in level.arcs.iter().enumerate() {
        let (from, to) = (renumbered[arc.from], renumbered[arc.to]);
        if from == to {
            continue;
        }
        // Entering a circle saves the arc that it replaces there.
        let saved = match (level.circle[arc.to], level.best[arc.to]) {
            (Some(_), Some(best)) => level.arcs[best].weight,
            _ => 0,
        };
        arcs.push(Arc { from, to, weight: arc.weight - saved });
        origin.push(number);
    }
    (arcs, origin)
}

/// From the deepest level upwards: an arc into a circle breaks it open where it enters.
fn unfold(mut levels: Vec<Level>) -> Vec<Option<usize>> {
    let mut chosen: Vec<Option<usize>> =
        levels.last().map(|it| it.best.clone()).unwrap_or_default();
    while let Some(deeper) = levels.pop() {
        let Some(level) = levels.last() else {
            // The first level's arcs are those that were given.
            return chosen.into_iter().map(|arc| arc.map(|arc| deeper.origin[arc])).collect();
        };
        let mut above: Vec<Option<usize>> =
            level.circle.iter().zip(&level.best).map(|(circle, best)| circle.and(*best)).collect();
        for arc in chosen.into_iter().flatten() {
            let arc = deeper.origin[arc];
            above[level.arcs[arc].to] = Some(arc);
        }
        chosen = above;
    }
    chosen
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every choice of one arc a node, and the cheapest that reaches all of them.
    fn by_trying(nodes: usize, arcs: &[Arc]) -> Option<i128> {
        fn go(
            node: usize,
            nodes: usize,
            arcs: &[Arc],
            parent: &mut Vec<usize>,
            sum: i128,
        ) -> Option<i128> {
            if node == nodes {
                let reaches = (1..nodes).all(|start| {
                    let mut at = start;
                    (0..nodes).any(|_| {
                        at = parent[at];
                        at == 0
                    })
                });
                return reaches.then_some(sum);
            }
            let into = arcs.iter().filter(|arc| arc.to == node && arc.from != node);
            into.filter_map(|arc| {
                parent[node] = arc.from;
                go(node + 1, nodes, arcs, parent, sum + arc.weight)
            })
            .min()
        }
        go(1, nodes, arcs, &mut vec![0; nodes], 0)
    }

    proptest! {
        #[test]
        fn it_is_as_cheap_as_the_best_that_trying_finds(
            arcs in proptest::collection::vec((0usize..6, 1usize..6, 0i128..9), 0..20),
        ) {
            let arcs: Vec<Arc> =
                arcs.into_iter().map(|(from, to, weight)| Arc { from, to, weight }).collect();
            let found = arborescence(6, 0, &arcs);
            let expected = by_trying(6, &arcs);
            // A node with an arc into it may still hang on a circle that nothing enters.
            prop_assert_eq!(found.is_some(), expected.is_some());
            if let (Some(found), Some(expected)) = (found, expected) {
                let sum: i128 = found.iter().flatten().map(|arc| arcs[*arc].weight).sum();
                prop_assert_eq!(sum, expected);
                prop_assert_eq!(found.iter().flatten().count(), 5);
            }
        }
    }

    #[test]
    fn many_circles_within_circles_need_no_stack() {
        let nodes = 3000;
        let mut arcs = vec![Arc { from: 0, to: 1, weight: 1000 }];
        for node in 1..nodes - 1 {
            arcs.push(Arc { from: node, to: node + 1, weight: 1 });
            arcs.push(Arc { from: node + 1, to: node, weight: 1 });
        }
        let found = arborescence(nodes, 0, &arcs).unwrap();
        assert_eq!(found.iter().flatten().count(), nodes - 1);
    }
}
