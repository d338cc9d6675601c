"""Structures as IMAP says them, side by side: what two servers tell about the
same octets, item by item."""
import re

ENVELOPE = ("date", "subject", "from", "sender", "reply-to", "to", "cc",
            "bcc", "in-reply-to", "message-id")
SINGLE = ("type", "subtype", "params", "id", "description", "encoding",
          "size")
EXTENSION = ("disposition", "language", "location")
_token = re.compile(rb'\s*(?:(\()|(\))|"((?:[^"\\]|\\.)*)"|\{(\d+)\}\r\n|'
                    rb'([^\s()"{]+))', re.S)


def parse(text):
    """A line of S-expressions: lists, octets, None."""
    stack, at = [[]], 0
    while m := _token.match(text, at):
        at = m.end()
        if m.group(1):
            stack.append([])
        elif m.group(2):
            done = stack.pop()
            stack[-1].append(done)
        elif m.group(3) is not None:
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", m.group(3)))
        elif m.group(4):
            n = int(m.group(4))
            stack[-1].append(text[at:at + n])
            at += n
        else:
            stack[-1].append(None if m.group(5) == b"NIL" else m.group(5))
    assert at == len(text) and len(stack) == 1, (at, text)
    return stack[0]


def fetched(line):
    """{item: value} of a FETCH response."""
    _, number, _, items = parse(line)
    return int(number), dict(zip((x.upper() for x in items[::2]),
                                 items[1::2]))


def is_multipart(node):
    return isinstance(node[0], list)


def is_message(node):
    return node[0].lower() == b"message" and node[1].lower() == b"rfc822"


def children(node):
    n = 0
    while isinstance(node[n], list):
        n += 1
    return n


def _lower(v):
    return v.lower() if isinstance(v, bytes) else v


def _pairs(v):
    return None if v is None else [
        _lower(x) if i % 2 == 0 else x for i, x in enumerate(v)]


def _body(node):
    """What a node says of itself: {item: value}, and the nodes in it."""
    if is_multipart(node):
        n = children(node)
        out = {"shape": ["multipart", n], "subtype": _lower(node[n]),
               "params": _pairs(node[n + 1])}
        inner, rest = node[:n], node[n + 2:]
    else:
        out = {"params" if i == 2 else name:
               _pairs(v) if i == 2 else
               _lower(v) if name == "encoding" else v
               for i, (name, v) in enumerate(zip(SINGLE, node)) if i > 1}
        out["shape"] = [_lower(v) for v in node[:2]]
        inner, rest = [], node[7:]
        if is_message(node):
            out.update(zip(ENVELOPE, rest[0]))
            inner, rest = [rest[1]], rest[2:]
        if is_message(node) or out["shape"][0] == b"text":
            out["lines"], rest = rest[0], rest[1:]
        out["md5"], rest = rest[0], rest[1:]
    for name, v in zip(EXTENSION, rest):
        if name == "disposition" and v is not None:
            v = [_lower(v[0]), _pairs(v[1])]
        out[name] = v
    return out, inner


def differences(a, b, where=""):
    """(section, item, of a, of b) of two BODYSTRUCTUREs. Where the shape of a
    node differs, nothing is said of what is in it."""
    x, inner = _body(a)
    y, others = _body(b)
    if x["shape"] != y["shape"]:
        yield where, "shape", x["shape"], y["shape"]
        return
    for item in sorted(x):
        if x[item] != y[item]:
            yield where, item, x[item], y[item]
    for i, (c, d) in enumerate(zip(inner, others), 1):
        yield from differences(c, d, "%s%d." % (where, i))


def envelope_differences(a, b):
    for item, x, y in zip(ENVELOPE, a, b):
        if x != y:
            yield "", item, x, y


def nodes(node, prefix=""):
    """(section, node) of the parts that have a number (RFC 3501 6.4.5). A
    message's own part, where it is no multipart, is number 1 in it."""
    if is_multipart(node):
        for i in range(children(node)):
            yield from nodes(node[i], "%s%d." % (prefix, i + 1))
        return
    number = prefix or "1."
    yield number[:-1], node
    if is_message(node):
        inner = node[8]
        yield from nodes(inner, number if is_multipart(inner)
                         else number + "1.")


def lines(node):
    """The size in lines that a node says, or None."""
    if is_message(node):
        return int(node[9])
    return int(node[7]) if node[0].lower() == b"text" else None
