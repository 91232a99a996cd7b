"""What the boot test wires to the telephone, run in the guest as root: fingers, eyes, ears and a mouth.

Commands come as JSON lines on a virtio port, each is answered with one.
"""

import base64
import glob
import json
import pathlib
import subprocess
import time

KIT = pathlib.Path(__file__).parent
LABEL, LINES, HOOK = "pinctrl-bcm2711", 32, 17
PORT = "/dev/virtio-ports/wire"
PULLED = {True: "pull-down", False: "pull-up"}


def run(*command):
    """A command's output, its complaints too."""
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout + done.stderr


def chips():
    """Load the simulated chips; the telephone starts after this."""
    said = run("modprobe", "-a", "i2c-dev", "snd-aloop", "configfs")
    for module in ("irq-sim-mod", "gpio-sim", "i2c-record"):
        said += run("insmod", str(KIT / f"{module}.ko"))
    if not pathlib.Path("/sys/kernel/debug/i2c-record").exists():
        said += run("mount", "-t", "debugfs", "debugfs", "/sys/kernel/debug")
    folder = pathlib.Path("/sys/kernel/config/gpio-sim/telephone")
    if not folder.parent.exists():
        said += run("mount", "-t", "configfs", "configfs", "/sys/kernel/config")
    (folder / "bank0").mkdir(parents=True)
    (folder / "bank0/num_lines").write_text(str(LINES))
    (folder / "bank0/label").write_text(LABEL)
    (folder / "live").write_text("1")
    for line in range(LINES):
        pull(line, line == HOOK)  # the handset rests on its contact
    return said


def line_folder(line):
    """Where the kernel lets us hold a simulated line."""
    return pathlib.Path(glob.glob(f"/sys/devices/platform/gpio-sim.*/gpiochip*/sim_gpio{line}")[0])


def pull(line, down):
    """Close a contact to ground, or open it."""
    (line_folder(line) / "pull").write_text(PULLED[down])


def press(line, seconds):
    """Press a key."""
    pull(line, True)
    time.sleep(seconds)
    pull(line, False)
    time.sleep(seconds)


def written(forget):
    """What was written to the panel, in base64."""
    path = pathlib.Path("/sys/kernel/debug/i2c-record/written")
    octets = path.read_bytes()
    if forget:
        path.write_text("0")
    return base64.b64encode(octets).decode()


def listen(seconds):
    """What the telephone plays, mono 48 kHz: its earpiece."""
    record = ["arecord", "-q", "-D", "plughw:Loopback,1,0", "-t", "raw", "-f", "S16_LE", "-r", "48000", "-c", "1"]
    done = subprocess.run([*record, "-d", str(seconds)], capture_output=True, timeout=60 + 10 * seconds)
    return {"pcm": base64.b64encode(done.stdout).decode(), "said": done.stderr.decode()}


def first_sound(seconds):
    """The kernel's clock when the earpiece began to sound; None if it did not."""
    record = ["arecord", "-q", "-D", "plughw:Loopback,1,0", "-t", "raw", "-f", "S16_LE", "-r", "48000", "-c", "1"]
    with subprocess.Popen([*record, "-d", str(seconds)], stdout=subprocess.PIPE) as recorder:
        while octets := recorder.stdout.read(9600):
            if max(memoryview(octets[: len(octets) // 2 * 2]).cast("h")) > 300:
                recorder.kill()
                return time.monotonic()
    return None


SPEAKER = []


def speak(hz):
    """Say a tone into the microphone until told otherwise; 0: silence."""
    for one in SPEAKER:
        one.kill()
        one.wait()
    SPEAKER.clear()
    if hz:
        play = ["speaker-test", "-D", "plughw:Loopback,1,0", "-t", "sine", "-f", str(hz), "-r", "48000", "-c", "2"]
        SPEAKER.append(subprocess.Popen([*play, "-F", "S16_LE"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))


def do(order):
    """Carry out one order; its answer."""
    match order:
        case {"do": "pull", "line": line, "down": down}:
            return pull(line, down)
        case {"do": "press", "line": line, "seconds": seconds}:
            return press(line, seconds)
        case {"do": "value", "line": line}:
            return (line_folder(line) / "value").read_text().strip()
        case {"do": "written", "forget": forget}:
            return written(forget)
        case {"do": "listen", "seconds": seconds}:
            return listen(seconds)
        case {"do": "first_sound", "seconds": seconds}:
            return first_sound(seconds)
        case {"do": "clock"}:
            return time.monotonic()
        case {"do": "speak", "hz": hz}:
            return speak(hz)
        case {"do": "run", "command": command}:
            return run(*command)
    return "what?"


def main():
    """Make the chips, then serve the orders."""
    said = chips()
    run("systemd-notify", "--ready")
    with open(PORT, "r+b", buffering=0) as port:
        port.write((json.dumps({"ready": said}) + "\n").encode())
        pending = b""
        while True:
            pending += port.read(4096) or b""
            while b"\n" in pending:
                line, _, pending = pending.partition(b"\n")
                try:
                    answer = {"answer": do(json.loads(line))}
                except Exception as fault:
                    answer = {"fault": repr(fault)}
                octets = (json.dumps(answer) + "\n").encode()
                while octets:
                    octets = octets[port.write(octets) :]


main()
