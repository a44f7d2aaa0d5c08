//! The work of `benches/makespan`, held to its bound. Time is virtual, so that no machine is too slow for it.

#[path = "../../benches/makespan/race.rs"]
mod race;

use race::Race;

#[tokio::test(start_paused = true)]
async fn three_thousand_actions_take_no_longer_than_they_must_and_nothing_is_refused() {
    for race in Race::ALL {
        let finish = race::ours(race).await;
        assert_eq!(finish.refused, 0, "{race:?}");
        let (makespan, bound) = (finish.makespan.as_secs_f64(), race.bound().as_secs_f64());
        assert!(makespan <= bound * 1.05, "{race:?}: {makespan} s, the bound is {bound} s");
        assert!(makespan >= bound, "{race:?}: {makespan} s is faster than is possible");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_backs_off_when_refused_is_refused_all_the_time() {
    // Which also shows that this API does refuse.
    assert!(race::naive(Race::ALL[0]).await.refused > 100);
}
