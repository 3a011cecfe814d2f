import type { Flow } from './flows.ts';

// IPVS's own table, /proc/net/ip_vs_conn: client, virtual and real server in hexadecimal, state, seconds until it is forgotten.
//
// Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
// TCP C6120A02 9C46 C6120001 18EB C6126502 18EB ESTABLISHED     899

const LINE =
  /^TCP\s+(?<client>[0-9A-F]{8}) (?<clientPort>[0-9A-F]{4}) (?<service>[0-9A-F]{8}) (?<servicePort>[0-9A-F]{4}) (?<server>[0-9A-F]{8}) (?<serverPort>[0-9A-F]{4}) (?<state>\S+)\s+(?<expires>\d+)/;

const address = (hex: string | undefined) => Buffer.from(hex ?? '', 'hex').join('.');
const port = (hex: string | undefined) => Number.parseInt(hex ?? '', 16);

/** In NAT mode the server sees the client's own address, and its answers are translated back. */
export function parseIpvsTable(text: string): Flow[] {
  return text.split('\n').flatMap((line): Flow[] => {
    const fields = LINE.exec(line)?.groups;
    if (!fields) return [];
    const client = { address: address(fields.client), port: port(fields.clientPort) };
    return [
      {
        // The table gives none: the client's port and the server's address tell entries apart.
        id: client.port * 2 ** 32 + Number.parseInt(fields.server ?? '', 16),
        state: fields.state,
        expiresIn: Number(fields.expires),
        original: {
          src: client.address,
          sport: client.port,
          dst: address(fields.service),
          dport: port(fields.servicePort),
        },
        reply: {
          src: address(fields.server),
          sport: port(fields.serverPort),
          dst: client.address,
          dport: client.port,
        },
        assured: fields.state === 'ESTABLISHED',
        deletedBy: undefined,
      },
    ];
  });
}
