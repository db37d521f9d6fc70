"""What the drivers refuse, in the words that dockerd 28 answered."""

import pytest

from lading.errors import InvalidArgument
from lading.logs import options

UDP = {"gelf-address": "udp://127.0.0.1:1"}
TCP = {"gelf-address": "tcp://127.0.0.1:1"}
REFUSED = [
    ("syslog", {"syslog-address": "bogus"}, "unsupported scheme: ''"),
    ("syslog", {"syslog-address": "http://a"}, "unsupported scheme: 'http'"),
    ("syslog", {"syslog-address": "unix:///nope"}, "stat /nope: no such file or directory"),
    ("syslog", {"syslog-address": "tcp://a:b:c"},
     'parse "tcp://a:b:c": invalid port ":c" after host'),
    ("syslog", {"syslog-address": "://"}, 'parse "://": missing protocol scheme'),
    ("syslog", {"syslog-facility": "24"}, "invalid syslog facility"),
    ("syslog", {"syslog-format": "zz"}, "Invalid syslog format"),
    ("syslog", {"max-size": "1"}, "unknown log opt 'max-size' for syslog log driver"),
    ("journald", {"bogus": "1"}, "unknown log opt 'bogus' for journald log driver"),
    ("gelf", {}, "gelf-address is a required parameter"),
    ("gelf", {"gelf-address": "http://a:1"}, "gelf: endpoint needs to be TCP or UDP"),
    ("gelf", {"gelf-address": "udp://a"},
     "gelf: please provide gelf-address as proto://host:port"),
    ("gelf", UDP | {"gelf-compression-type": "zz"},
     'unknown value "zz" for log opt "gelf-compression-type" for gelf log driver'),
    ("gelf", UDP | {"gelf-compression-level": "11"},
     'unknown value "11" for log opt "gelf-compression-level" for gelf log driver'),
    ("gelf", TCP | {"gelf-compression-type": "gzip"}, "compression is only supported on UDP"),
    ("gelf", UDP | {"gelf-tcp-max-reconnect": "1"},
     '"gelf-tcp-max-reconnect" is only valid for TCP'),
    ("gelf", TCP | {"gelf-tcp-reconnect-delay": "-1"},
     '"gelf-tcp-reconnect-delay" must be a positive integer'),
    ("gelf", UDP | {"bogus": "1"}, 'unknown log opt "bogus" for gelf log driver'),
    ("fluentd", {"bogus": "1"}, "unknown log opt 'bogus' for fluentd log driver"),
    ("fluentd", {"fluentd-address": "http://a"},
     "invalid fluentd-address (http://a): unsupported scheme: 'http'"),
    ("fluentd", {"fluentd-address": "a:b"},
     'invalid fluentd-address (a:b): parse "tcp://a:b": invalid port ":b" after host'),
    ("fluentd", {"fluentd-address": "tcp://a:1/x"},
     "invalid fluentd-address (tcp://a:1/x): should not contain a path element"),
    ("fluentd", {"fluentd-address": "unix://"},
     "invalid fluentd-address (unix://): path is empty"),
    ("fluentd", {"fluentd-address": "a:99999"},
     'invalid fluentd-address (a:99999): invalid port: strconv.ParseUint: parsing "99999": '
     "value out of range"),
    ("fluentd", {"fluentd-async": "zz"}, 'strconv.ParseBool: parsing "zz": invalid syntax'),
    ("fluentd", {"fluentd-async-reconnect-interval": "1000s"},
     'invalid value for fluentd-async-reconnect-interval: value ("16m40s") must be between '
     "100ms and 10s"),
    ("fluentd", {"fluentd-buffer-limit": "-1"}, "invalid size: '-1'"),
    ("fluentd", {"fluentd-max-retries": "-1"},
     'strconv.ParseUint: parsing "-1": invalid syntax'),
    ("fluentd", {"fluentd-retry-wait": "1"}, 'time: missing unit in duration "1"'),
    ("fluentd", {"fluentd-write-timeout": "-1s"},
     "invalid value for fluentd-write-timeout: value must be a duration that is non-negative"),
    ("gcplogs", {"bogus": "1"}, "unknown log opt 'bogus' for gcplogs log driver"),
]  # fmt: skip
TAKEN = [
    ("syslog", {}),
    ("syslog", {"syslog-facility": "local7", "syslog-address": "tcp+tls://[::1]", "tag": "x"}),
    ("journald", {"labels": "a", "env-regex": ".", "cache-disabled": "true"}),
    ("gelf", TCP | {"gelf-tcp-max-reconnect": "3", "mode": "non-blocking"}),
    ("fluentd", {"fluentd-address": "", "fluentd-request-ack": "true"}),
    ("fluentd", {"fluentd-address": "tls://a"}),
    ("awslogs", {"awslogs-group": "x"}),
]


@pytest.mark.parametrize(("driver", "asked", "text"), REFUSED, ids=str)
def test_what_cannot_be_meant_is_refused(driver: str, asked: dict[str, str], text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        options.check(driver, asked)
    assert str(caught.value) == text


@pytest.mark.parametrize(("driver", "asked"), TAKEN, ids=str)
def test_what_can_be_meant_is_taken(driver: str, asked: dict[str, str]) -> None:
    options.check(driver, asked)
