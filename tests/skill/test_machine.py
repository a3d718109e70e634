"""What the request will run on: installed versions and hardware, asked of a real program where there is one."""

import pytest

from mlexpert_nb.skill.machine import graphics_cards, hardware, versions


@pytest.fixture
def smi(tmp_path):
    """Give a way to put a program called nvidia-smi on a search path of its own."""

    def put(script):
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return {"PATH": f"{tmp_path}:/usr/bin:/bin", "SECRET_API_KEY": "s3cret"}

    return put


def test_versions_name_python_and_what_is_installed():
    found = versions()
    assert found["python"].startswith("3.")
    assert found["torch"]
    assert "no-such-package" not in found


def test_the_processors_and_the_memory_are_counted():
    found = hardware()
    assert found["cpus"] >= 1
    assert found["ram_bytes"] > 10**8


def test_graphics_cards_are_named(smi):
    path = smi("echo 'NVIDIA H100 80GB HBM3, 81559'; echo 'NVIDIA L4, 23034'")
    assert graphics_cards(environment=path) == ["NVIDIA H100 80GB HBM3, 81559 MiB", "NVIDIA L4, 23034 MiB"]


def test_the_program_is_asked_for_names_and_memory_and_sees_no_secret(smi, tmp_path):
    graphics_cards(environment=smi(f'echo "$@" > {tmp_path}/asked; env >> {tmp_path}/asked'))
    asked = (tmp_path / "asked").read_text()
    assert "--query-gpu=name,memory.total --format=csv,noheader,nounits" in asked
    assert "s3cret" not in asked


def test_without_the_program_there_are_no_cards(tmp_path):
    assert graphics_cards(environment={"PATH": str(tmp_path)}) == []


@pytest.mark.parametrize("script", ["echo broken; exit 9", "echo 'half an answer'; kill -9 $$"])
def test_a_program_that_fails_names_no_cards(smi, script):
    assert graphics_cards(environment=smi(script)) == []


def test_a_program_that_cannot_start_names_no_cards(tmp_path):
    program = tmp_path / "nvidia-smi"
    program.write_bytes(b"\x7fELF nonsense")
    program.chmod(0o755)
    assert graphics_cards(environment={"PATH": str(tmp_path)}) == []


def test_a_program_that_hangs_is_ended_with_its_children(smi):
    assert graphics_cards(0.3, smi("echo 'NVIDIA L4, 23034'; sleep 60 & sleep 60; wait")) == []
