"""NVML through the real nvidia-ml-py, with a stand-in for the driver: every state gets a true sentence."""

GIB = 1 << 30


def test_two_devices_are_read_and_this_process_is_known(nvml):
    (told,) = nvml({})
    assert told["values"] == {
        "GPU 0 used": 3 * GIB,
        "GPU 0 this process": GIB,
        "GPU 1 used": 3 * GIB + 1,
        "GPU 1 this process": GIB,
    }
    assert told["limits"]["GPU 1 used"] == 8 * GIB
    assert told["reasons"] == {}
    assert told["notes"] == []


def test_a_device_that_is_lost_on_the_way_is_said_and_the_other_goes_on(nvml):
    before, after = nvml({}, {"lost": 1})
    assert "GPU 1 used" in before["values"]
    assert sorted(after["values"]) == ["GPU 0 this process", "GPU 0 used"]
    assert after["notes"] == ["GPU 1: it is lost (it fell off the bus, or was taken out); a reboot brings it back"]


def test_what_the_driver_will_not_tell_of_processes_is_said(nvml):
    (told,) = nvml({"untold": 1})
    assert sorted(told["values"]) == ["GPU 0 used", "GPU 1 used"]
    assert told["notes"][0] == "GPU 0: the driver does not tell what each process uses (a container, or no permission)"


def test_a_device_without_memory_of_its_own_has_the_systems_as_its_limit(nvml):
    (told,) = nvml({"total": 0, "gpus": 1})
    assert told["limits"]["GPU 0 used"] > GIB / 4
    assert "has no memory of its own (its total is 0)" in told["notes"][0]


def test_an_old_driver_leaves_out_the_processes_and_says_so(nvml):
    (told,) = nvml({"gpus": 1}, defined=("OLD",))
    assert told["values"] == {"GPU 0 used": 3 * GIB}
    assert told["notes"] == ["GPU 0, processes: this driver is too old to tell; a newer one does"]


def test_each_way_of_not_being_there_has_its_sentence(nvml):
    cases = {
        ("init", 9): "the NVIDIA driver is installed but not loaded; as root: modprobe nvidia",
        ("init", 18): "after an update of the driver: reboot",
        ("count", 4): "no permission to ask",
        ("memory", 3): "GPU 0: this GPU does not tell",
        ("count", 999): "the driver says: Unknown Error",
    }
    for (function, code), sentence in cases.items():
        (told,) = nvml({f"fail_{function}": code})
        assert told["values"] == {}
        assert sentence in told["reasons"]["NVML"]
    (told,) = nvml({"gpus": 0})
    assert told["reasons"] == {"NVML": "the NVIDIA driver is loaded and sees no GPU"}


def test_without_a_library_it_says_what_is_missing(nvml):
    (told,) = nvml({}, library=False)
    assert told["reasons"]["NVML"].startswith("no NVIDIA driver library (libnvidia-ml.so.1) was found")


def test_a_source_that_is_missing_is_not_asked_again_at_once(nvml):
    _, again = nvml({"gpus": 0}, {"gpus": 1})
    assert again["values"] == {}
    assert "NVML" in again["reasons"]
