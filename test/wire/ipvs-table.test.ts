import { describe, expect, it } from 'vitest';
import { parseIpvsTable } from '../../src/wire/ipvs-table.ts';

// As Linux 6.12 prints /proc/net/ip_vs_conn.
const TABLE = `Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP C6120A02 9C46 C6120001 18EB C6126502 18EB ESTABLISHED     899
TCP C6120A02 9C48 C6120001 18EB C6126602 18EB CLOSE             9
UDP C6120A02 9C48 C6120001 0035 C6126602 0035 UDP             299
`;

describe('the table of IPVS', () => {
  it('tells client, service and server, the state, and for how long it will remember', () => {
    const [first, second, ...rest] = parseIpvsTable(TABLE);
    expect(first).toEqual({
      id: 0x9c46c6126502,
      state: 'ESTABLISHED',
      expiresIn: 899,
      original: { src: '198.18.10.2', sport: 40006, dst: '198.18.0.1', dport: 6379 },
      reply: { src: '198.18.101.2', sport: 6379, dst: '198.18.10.2', dport: 40006 },
      assured: true,
      deletedBy: undefined,
    });
    expect(second).toMatchObject({ state: 'CLOSE', expiresIn: 9, reply: { src: '198.18.102.2' }, assured: false });
    expect(rest).toEqual([]);
  });
  it('tells the same of IPv6', () => {
    const [client, service, server] = ['2', '1', '102'].map(
      (last) => `2001:0db8:${'0000:'.repeat(5)}${last.padStart(4, '0')}`,
    );
    const flows = parseIpvsTable(
      `TCP ${client} 9C46 ${service} 18EB ${server} 18EB ESTABLISHED     899\nTCP ${client} 9C46 ${service} 18EB C6126502 18EB CLOSE             9\n`,
    );
    expect(flows).toMatchObject([
      {
        state: 'ESTABLISHED',
        expiresIn: 899,
        original: { src: '2001:db8::2', sport: 40006, dst: '2001:db8::1', dport: 6379 },
        reply: { src: '2001:db8::102', sport: 6379, dst: '2001:db8::2', dport: 40006 },
      },
      // A server of the other family, behind a tunnel.
      { reply: { src: '198.18.101.2', sport: 6379, dst: '2001:db8::2', dport: 40006 } },
    ]);
    expect(new Set(flows.map(({ id }) => id)).size).toBe(2);
    for (const { id } of flows) expect(Number.isSafeInteger(id)).toBe(true);
  });
  it('is empty where there is none', () => expect(parseIpvsTable('')).toEqual([]));
});
