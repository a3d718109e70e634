"""NVML through the real nvidia-ml-py, with a stand-in for the driver: every state gets a true sentence."""

GIB = 1 << 30


def test_two_devices_are_read_with_this_process_and_the_others(nvml):
    (told,) = nvml({"busy": 73})
    assert told["values"] == {
        "GPU 0 used": 3 * GIB,
        "GPU 0 this process": GIB,
        "GPU 0 other processes": GIB / 2,
        "GPU 1 used": 3 * GIB + 1,
        "GPU 1 this process": GIB,
        "GPU 1 other processes": GIB / 2,
    }
    assert told["limits"]["GPU 1 used"] == 8 * GIB
    assert (told["reasons"], told["notes"]) == ({}, [])
    (busy,) = [row for row in told["rows"] if row["name"] == "GPU 1 busy"]
    assert (busy["unit"], busy["newest"]) == ("%", 73)
    assert told["indices"]["GPU-00000001-0000-0000-0000-000000000000"] == 1
    assert told["others"] == [[0, 4000002, GIB / 2], [1, 4000002, GIB / 2]]


def test_a_device_that_is_lost_on_the_way_is_said_and_the_other_goes_on(nvml):
    before, after = nvml({}, {"lost": 1})
    assert "GPU 1 used" in before["values"]
    assert {name[:5] for name in after["values"]} == {"GPU 0"}
    assert after["notes"] == ["GPU 1: it is lost (it fell off the bus, or was taken out); a reboot brings it back"]
    (row,) = [row for row in after["rows"] if row["name"] == "GPU 1 used"]
    assert (row["newest"], row["peak"]) == (None, 3 * GIB + 1)
    assert "GPU 1 used                      gone   peak 3 GiB of 8 GiB" in after["text"]


def test_what_the_driver_will_not_tell_of_processes_is_said(nvml):
    untold, others, unlisted = nvml({"untold": 1}, {"untold": 2}, {"unlisted": 1}, fresh=True)
    assert sorted(untold["values"]) == ["GPU 0 used", "GPU 1 used"]
    assert untold["notes"][0] == (
        "GPU 0: the driver does not tell what each process uses (a container, or no permission); the part of this "
        "process is at least what torch has reserved"
    )
    assert others["values"]["GPU 0 this process"] == GIB
    assert "GPU 0 other processes" not in others["values"]
    assert unlisted["values"]["GPU 0 other processes"] == 1.5 * GIB
    assert unlisted["notes"][0].startswith("GPU 0: this process is not among those that the driver lists")


def test_a_device_without_memory_of_its_own_has_the_systems_as_its_limit(nvml):
    (told,) = nvml({"total": 0, "gpus": 1})
    assert told["limits"]["GPU 0 used"] > GIB / 4
    assert "has no memory of its own (its total is 0)" in told["notes"][0]


def test_an_old_driver_leaves_out_what_it_cannot_tell_and_says_so(nvml):
    (told,) = nvml({"gpus": 1}, defined=("OLD",))
    assert told["values"] == {"GPU 0 used": 3 * GIB}
    assert told["notes"] == [
        "GPU 0, how busy it is: this driver is too old to tell; a newer one does",
        "GPU 0, processes: this driver is too old to tell; a newer one does",
    ]


def test_each_way_of_not_being_there_has_its_sentence(nvml):
    cases = {
        ("init", 9): "the NVIDIA driver is installed but not loaded; as root: modprobe nvidia",
        ("init", 18): "after an update of the driver: reboot",
        ("count", 1): "another part of the program has shut the driver's library; it is opened anew",
        ("count", 4): "no permission to ask",
        ("memory", 3): "GPU 0: this GPU does not tell",
        ("count", 999): "the driver says: Unknown Error",
    }
    states = [{f"fail_{function}": code} for function, code in cases]
    *read, none = nvml(*states, {"gpus": 0}, fresh=True)
    for told, sentence in zip(read, cases.values(), strict=True):
        assert told["values"] == {}
        assert sentence in told["reasons"]["NVML"]
        assert sentence in told["text"]
    assert none["reasons"] == {"NVML": "the NVIDIA driver is loaded and sees no GPU"}


def test_without_a_library_it_says_what_is_missing(nvml):
    (told,) = nvml({}, library=False)
    assert told["reasons"]["NVML"].startswith("no NVIDIA driver library (libnvidia-ml.so.1) was found")
    assert told["indices"] == {}


def test_a_source_that_is_missing_is_not_asked_again_at_once(nvml):
    _, again = nvml({"gpus": 0}, {"gpus": 1})
    assert again["values"] == {}
    assert "NVML" in again["reasons"]


def test_the_missing_package_is_named(tmp_path, nvml, monkeypatch):
    (tmp_path / "pynvml.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (told,) = nvml({})
    assert told["reasons"] == {"NVML": "nvidia-ml-py is not installed; type: pip install nvidia-ml-py"}
