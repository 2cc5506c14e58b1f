from conclave.telemetry.metrics import CountsCollector, Metrics, PlaneCollector, SizesCollector


def test_plane_counters_become_families_and_drops_carry_their_reason() -> None:
    metrics = Metrics()
    metrics.register(PlaneCollector(lambda: {"packets_in": 7, "drop_replay": 3}, lambda: {"peers": 2}))
    text = metrics.render().decode()
    assert "conclave_plane_packets_in_total 7.0" in text
    assert 'conclave_plane_drops_total{reason="replay"} 3.0' in text
    assert 'conclave_plane_slots{table="peers"} 2.0' in text


def test_counts_and_sizes_are_read_at_each_scrape() -> None:
    metrics = Metrics()
    numbers = {"refused": 1}
    metrics.register(CountsCollector("hub", lambda: numbers))
    metrics.register(SizesCollector("hub_size", lambda: numbers))
    numbers["refused"] = 5
    text = metrics.render().decode()
    assert 'conclave_hub_total{event="refused"} 5.0' in text
    assert 'conclave_hub_size{of="refused"} 5.0' in text


def test_messages_requests_and_lag_are_counted() -> None:
    metrics = Metrics()
    metrics.message("join", "ok", 0.002)
    metrics.http_request("/healthz", 200)
    metrics.loop_lag(0.5)
    metrics.watch_sources(lambda: 4)
    text = metrics.render().decode()
    assert 'conclave_signaling_messages_total{outcome="ok",type="join"} 1.0' in text
    assert 'conclave_http_requests_total{route="/healthz",status="200"} 1.0' in text
    assert "conclave_loop_lag_seconds_count 1.0" in text
    assert "conclave_edge_sources 4.0" in text


def test_two_servers_in_one_process_do_not_share_numbers() -> None:
    first, second = Metrics(), Metrics()
    first.http_request("/healthz", 200)
    assert "healthz" not in second.render().decode()
