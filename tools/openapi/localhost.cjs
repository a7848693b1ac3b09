// Names below localhost are this machine (RFC 6761), as for browsers and curl; Node asks the system,
// which may not know them.
const dns = require('node:dns');

const { lookup } = dns;
dns.lookup = (name, ...rest) => lookup(name.endsWith('.localhost') ? 'localhost' : name, ...rest);
