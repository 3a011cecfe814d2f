import { addressText, parseAddress } from './address.ts';
import { type Endpoint, endpointText } from './endpoint.ts';
import type { Flow } from './flows.ts';

// IPVS's own table, /proc/net/ip_vs_conn (ip_vs_conn_seq_show): client, virtual and real server, state, seconds until it is
// forgotten. IPv4 in eight hexadecimal digits, IPv6 in all of its eight groups.
//
// Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
// TCP C6120A02 9C46 C6120001 18EB C6126502 18EB ESTABLISHED     899

const ADDRESS = '[0-9A-F]{8}|[0-9a-f]{4}(?::[0-9a-f]{4}){7}';
const LINE = new RegExp(
  `^TCP\\s+(?<client>${ADDRESS}) (?<clientPort>[0-9A-F]{4}) (?<service>${ADDRESS}) (?<servicePort>[0-9A-F]{4}) (?<server>${ADDRESS}) (?<serverPort>[0-9A-F]{4}) (?<state>\\S+)\\s+(?<expires>\\d+)`,
);

const end = (address = '', port = ''): Endpoint => ({
  address: parseAddress(address) ?? addressText(Buffer.from(address, 'hex')),
  port: Number.parseInt(port, 16),
});

/** 32 bits of a text (FNV-1a). */
function digest(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** In NAT mode the server sees the client's own address, and its answers are translated back. */
export function parseIpvsTable(text: string): Flow[] {
  return text.split('\n').flatMap((line): Flow[] => {
    const fields = LINE.exec(line)?.groups;
    if (!fields) return [];
    const client = end(fields.client, fields.clientPort);
    const service = end(fields.service, fields.servicePort);
    const server = end(fields.server, fields.serverPort);
    const number = fields.server?.length === 8 ? Number.parseInt(fields.server, 16) : digest(endpointText(server));
    return [
      {
        // The table gives none: the client's port and the server's address tell entries apart.
        id: client.port * 2 ** 32 + number,
        state: fields.state,
        expiresIn: Number(fields.expires),
        original: { src: client.address, sport: client.port, dst: service.address, dport: service.port },
        reply: { src: server.address, sport: server.port, dst: client.address, dport: client.port },
        assured: fields.state === 'ESTABLISHED',
        deletedBy: undefined,
      },
    ];
  });
}
