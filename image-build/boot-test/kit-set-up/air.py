"""Three simulated radios in the guest, run as root: the telephone's, a visitor's, and that of the home's access point.

    wlan0                      the telephone's: the image knows nothing of the other two
    wlan1   in "visitor"       somebody with a laptop
    wlan2   in "home"          a router: its access point, bridged to the wire that leaves the guest

Commands come as JSON lines on a virtio port, each is answered with one.
"""

import json
import pathlib
import subprocess
import time

PORT = "/dev/virtio-ports/wire"
HOME = """country=GB
network={
 ssid="Home"
 mode=2
 frequency=2412
 key_mgmt=WPA-PSK
 proto=RSN
 pairwise=CCMP
 psk="correct horse"
}
"""
VISITOR = """ctrl_interface=/run/visitor
network={
 ssid="Offhook set-up"
 key_mgmt=NONE
}
"""


def run(*command, timeout=120):
    """A command's output, its complaints too."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired as fault:
        return f"{fault}"
    return done.stdout + done.stderr


def radio(card):
    """The name of a card's radio."""
    return pathlib.Path(f"/sys/class/net/{card}/phy80211/name").read_text().strip()


def inside(space, *command):
    """Run a command in a network name space."""
    return run("ip", "netns", "exec", space, *command)


def radios():
    """Load them, and put each where it belongs."""
    said = run("modprobe", "mac80211_hwsim", "radios=3")
    while not all(pathlib.Path(f"/sys/class/net/wlan{n}").exists() for n in range(3)):
        time.sleep(0.1)
    for space, card in (("visitor", "wlan1"), ("home", "wlan2")):
        said += run("ip", "netns", "add", space)
        said += run("iw", "phy", radio(card), "set", "netns", "name", space)
        said += inside(space, "ip", "link", "set", "lo", "up")
    said += run("ip", "link", "set", "eth0", "netns", "home")
    pathlib.Path("/run/home.conf").write_text(HOME)
    pathlib.Path("/run/visitor.conf").write_text(VISITOR)
    for command in (
        "ip link add br0 type bridge",
        "ip link set eth0 master br0",
        "ip link set eth0 up",
        "ip link set br0 up",
    ):
        said += run("ip", "-n", "home", *command.split()[1:])
    inside("home", "wpa_supplicant", "-B", "-i", "wlan2", "-b", "br0", "-c", "/run/home.conf")
    inside("visitor", "wpa_supplicant", "-B", "-i", "wlan1", "-c", "/run/visitor.conf")
    while fault := run("ip", "-n", "home", "link", "set", "wlan2", "master", "br0"):
        if "enslav" not in fault:  # as long as it is no access point yet
            return said + fault
        time.sleep(0.5)
    return said


def do(order):
    """Carry out one order; its answer."""
    match order:
        case {"do": "run", "command": command}:
            return run(*command)
        case {"do": "visit", "arguments": arguments}:
            return inside("visitor", "python3", "-B", "/run/kit/visitor.py", *arguments)
    return "what?"


def main():
    """Make the radios, then serve the orders."""
    said = radios()
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
