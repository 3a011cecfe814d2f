import type { Way } from './endpoint.ts';
import { PairNumbers, WayNumbers } from './numbers.ts';
import { type Checksum, FLAGS, type Header, type Packet } from './packet.ts';
import type { TcpOptions } from './tcp-options.ts';

const FEWEST = 1024;
const CHECKSUMS: readonly Checksum[] = [undefined, 'ok', 'partial', 'wrong'];
const NONE: TcpOptions = Object.freeze({});
/** How the options of a packet are kept. */
const OPTIONS = { none: 0, timestamps: 1, others: 2 } as const;

/** Columns of numbers, which take a tenth of what as many objects do. */
class Columns {
  n: Uint32Array<ArrayBuffer>;
  time: Float64Array<ArrayBuffer>;
  /** Where it was captured: a number of `points`. */
  point: Uint16Array<ArrayBuffer>;
  way: Uint32Array<ArrayBuffer>;
  flags: Uint8Array<ArrayBuffer>;
  seq: Uint32Array<ArrayBuffer>;
  ack: Uint32Array<ArrayBuffer>;
  window: Uint16Array<ArrayBuffer>;
  dataOffset: Uint8Array<ArrayBuffer>;
  length: Uint32Array<ArrayBuffer>;
  ttl: Uint8Array<ArrayBuffer>;
  checksum: Uint8Array<ArrayBuffer>;
  options: Uint8Array<ArrayBuffer>;
  stamp: Uint32Array<ArrayBuffer>;
  echo: Uint32Array<ArrayBuffer>;

  /** @param from what they hold at first */
  constructor(size: number, from?: Columns) {
    this.n = new Uint32Array(size);
    this.time = new Float64Array(size);
    this.point = new Uint16Array(size);
    this.way = new Uint32Array(size);
    this.flags = new Uint8Array(size);
    this.seq = new Uint32Array(size);
    this.ack = new Uint32Array(size);
    this.window = new Uint16Array(size);
    this.dataOffset = new Uint8Array(size);
    this.length = new Uint32Array(size);
    this.ttl = new Uint8Array(size);
    this.checksum = new Uint8Array(size);
    this.options = new Uint8Array(size);
    this.stamp = new Uint32Array(size);
    this.echo = new Uint32Array(size);
    if (from === undefined) return;
    for (const name of Object.keys(from) as (keyof Columns)[]) this[name].set(from[name].subarray(0, size));
  }
}

interface Point {
  host: string;
  interface: string;
  outgoing: boolean;
}

/** The packets of a capture, which may be millions. */
export class PacketTable {
  columns: Columns = new Columns(FEWEST);
  size = 0;
  readonly #points = new PairNumbers();
  readonly points: Point[] = [];
  readonly numbers: WayNumbers = new WayNumbers();
  readonly ways: Way[] = [];
  /** Options that are more than timestamps, by row. */
  readonly others: Map<number, TcpOptions> = new Map();

  /** Where a host captures on an interface; it is asked once for many packets. */
  pointOf(host: string, name: string, outgoing: boolean): number {
    const point = 2 * this.#points.of(host, name);
    if (point === this.points.length)
      for (const way of [false, true]) this.points.push({ host, interface: name, outgoing: way });
    return point + (outgoing ? 1 : 0);
  }

  /** @returns its row */
  add(time: number, point: number, header: Header): number {
    if (this.size === this.columns.n.length) this.columns = new Columns(Math.ceil(this.size * 1.5), this.columns);
    const { columns } = this;
    const row = this.size++;
    const way = this.numbers.of(header);
    if (way === this.ways.length)
      this.ways.push({ src: header.src, sport: header.sport, dst: header.dst, dport: header.dport });
    columns.time[row] = time;
    columns.point[row] = point;
    columns.way[row] = way;
    columns.flags[row] = header.flagBits;
    columns.seq[row] = header.seq;
    columns.ack[row] = header.ack;
    columns.window[row] = header.window;
    columns.dataOffset[row] = header.dataOffset;
    columns.length[row] = header.length;
    columns.ttl[row] = header.ttl;
    columns.checksum[row] = CHECKSUMS.indexOf(header.checksum);
    this.#keepOptions(row, header.options);
    return row;
  }

  /** No more will come: what was kept for them is given back. */
  trim(): void {
    this.columns = new Columns(this.size, this.columns);
  }

  #keepOptions(row: number, options: TcpOptions): void {
    const { columns } = this;
    let others = false;
    for (const name in options) if (name !== 'timestamps') others = true;
    const { timestamps } = options;
    if (others) {
      columns.options[row] = OPTIONS.others;
      this.others.set(row, options);
    } else if (timestamps !== undefined) {
      columns.options[row] = OPTIONS.timestamps;
      columns.stamp[row] = timestamps.value;
      columns.echo[row] = timestamps.echo;
    }
  }

  optionsOf(row: number): TcpOptions {
    const kept = this.columns.options[row];
    if (kept === OPTIONS.others) return this.others.get(row) as TcpOptions;
    if (kept === OPTIONS.none) return NONE;
    return { timestamps: { value: this.columns.stamp[row] as number, echo: this.columns.echo[row] as number } };
  }

  packet(row: number): Packet {
    return new PacketRow(this, row);
  }
}

/** A packet as its table has it. */
class PacketRow implements Packet {
  readonly #table: PacketTable;
  readonly #row: number;

  constructor(table: PacketTable, row: number) {
    this.#table = table;
    this.#row = row;
  }

  get #point(): Point {
    return this.#table.points[this.#table.columns.point[this.#row] as number] as Point;
  }
  get #way(): Way {
    return this.#table.ways[this.#table.columns.way[this.#row] as number] as Way;
  }
  get n(): number {
    return this.#table.columns.n[this.#row] as number;
  }
  get time(): number {
    return this.#table.columns.time[this.#row] as number;
  }
  get host(): string {
    return this.#point.host;
  }
  get interface(): string {
    return this.#point.interface;
  }
  get outgoing(): boolean {
    return this.#point.outgoing;
  }
  get src(): string {
    return this.#way.src;
  }
  get sport(): number {
    return this.#way.sport;
  }
  get dst(): string {
    return this.#way.dst;
  }
  get dport(): number {
    return this.#way.dport;
  }
  get flags(): string {
    return FLAGS[this.#table.columns.flags[this.#row] as number] as string;
  }
  get seq(): number {
    return this.#table.columns.seq[this.#row] as number;
  }
  get ack(): number {
    return this.#table.columns.ack[this.#row] as number;
  }
  get window(): number {
    return this.#table.columns.window[this.#row] as number;
  }
  get dataOffset(): number {
    return this.#table.columns.dataOffset[this.#row] as number;
  }
  get options(): TcpOptions {
    return this.#table.optionsOf(this.#row);
  }
  get checksum(): Checksum {
    return CHECKSUMS[this.#table.columns.checksum[this.#row] as number];
  }
  get length(): number {
    return this.#table.columns.length[this.#row] as number;
  }
  get ttl(): number {
    return this.#table.columns.ttl[this.#row] as number;
  }
}

/** The same packet as an object of its own, which can be spread and compared. */
export const copyOfPacket = (packet: Packet): Packet => ({
  n: packet.n,
  time: packet.time,
  host: packet.host,
  interface: packet.interface,
  outgoing: packet.outgoing,
  src: packet.src,
  sport: packet.sport,
  dst: packet.dst,
  dport: packet.dport,
  flags: packet.flags,
  seq: packet.seq,
  ack: packet.ack,
  window: packet.window,
  dataOffset: packet.dataOffset,
  options: packet.options,
  checksum: packet.checksum,
  length: packet.length,
  ttl: packet.ttl,
});
