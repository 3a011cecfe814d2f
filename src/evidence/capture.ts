// Reads what was captured: packets into a table, and everything else only when it is written down again. Nothing here has a
// whole capture in memory while the lab's own pieces are read and merged.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { LabError, messageOf } from '../base/errors.ts';
import { ID } from '../base/ids.ts';
import { plainPieces, writePlainPieces } from '../base/plain.ts';
import { flagsAndTtl, mergeTracks, type Track } from '../wire/merge.ts';
import { TupleNumbers } from '../wire/numbers.ts';
import { interfaceIndexOf, type Packet, parsePacket } from '../wire/packet.ts';
import { PacketTable } from '../wire/packets.ts';
import { type Frame, PcapStream } from '../wire/pcap.ts';
import { type CapturedFrame, eachFrame, PcapngWriter, packetBytes } from '../wire/pcapng.ts';
import { packer, unpackCapture } from './capture-file.ts';
import { badEvidence, MOST_BYTES, readBytes } from './document.ts';
import { CAPTURE_FILE } from './files.ts';
import type { ActRecord } from './record.ts';

/** What was captured in a run. */
export interface Capture {
  /** Segments in the order of time; `n` is the number of their frame, from 1 on. */
  packets: Packet[];
  frames: number;
  hosts: string[];
  /** In words what of them is missing. */
  cut: string[];
  /**
   * Writes all frames into one file, those of `notes` with a comment, by number. They are read anew, from where they were.
   * @throws as writePlain
   */
  write(file: string, notes: ReadonlyMap<number, string>): void;
}

/** `<act>.<host>.pcap`, as the collector leaves them. */
const PIECE = /^(.+)\.([^.]+)\.pcap$/;
const READ_BYTES = 256 * 1024;
const APPLICATION = 'idlelab';

/** Nanoseconds are told from a moment near them, for only so are they exact as a number. */
type Since = bigint;

/** A list of numbers that grows. */
class Numbers<A extends Float64Array | Int32Array> {
  values: A;
  length = 0;
  readonly #make: (size: number) => A;

  constructor(make: (size: number) => A) {
    this.#make = make;
    this.values = make(1024);
  }

  clear(): void {
    this.values = this.#make(0);
    this.length = 0;
  }

  push(value: number): void {
    if (this.length === this.values.length) {
      const values = this.#make(this.length * 2);
      values.set(this.values);
      this.values = values;
    }
    this.values[this.length++] = value;
  }
}

/** A capture of one host in one act, as the lab leaves it. */
class Piece implements Track {
  readonly #path: string;
  readonly #host: string;
  readonly #names: Readonly<Record<string, string>>;
  readonly #table: PacketTable;
  readonly #wires: TupleNumbers;
  readonly #moments = new Numbers((size) => new Float64Array(size));
  /** Rows of the table by frame, -1 for what is no segment. */
  readonly #rows = new Numbers((size) => new Int32Array(size));
  whole = false;
  /** Bytes that its frames will have in one capture. */
  bytes = 0;

  constructor(
    path: string,
    where: { host: string; names: Readonly<Record<string, string>> },
    shared: { table: PacketTable; wires: TupleNumbers },
  ) {
    this.#path = path;
    this.#host = where.host;
    this.#names = where.names;
    this.#table = shared.table;
    this.#wires = shared.wires;
  }

  get length(): number {
    return this.#moments.length;
  }

  momentOf(at: number): number {
    return this.#moments.values[at] as number;
  }

  wireOf(at: number): { wire: number; outgoing: boolean } | undefined {
    const row = this.rowOf(at);
    if (row < 0) return undefined;
    const { way, flags, ttl, seq, ack, length, point } = this.#table.columns;
    const wire = this.#wires.of(
      way[row] as number,
      flagsAndTtl(flags[row] as number, ttl[row] as number),
      seq[row] as number,
      ack[row] as number,
      length[row] as number,
    );
    return { wire, outgoing: this.#table.points[point[row] as number]?.outgoing === true };
  }

  rowOf(at: number): number {
    return this.#rows.values[at] as number;
  }

  /** Its frames, read anew. */
  *frames(): Generator<Frame> {
    const stream = new PcapStream();
    for (const piece of plainPieces(this.#path, READ_BYTES)) yield* stream.push(piece);
    this.whole = stream.whole;
  }

  /** @param since of the first frame of all pieces; where there is none yet, of its own first. @returns it */
  read(since: Since | undefined): Since | undefined {
    let from = since;
    for (const frame of this.frames()) {
      from ??= frame.nanoseconds;
      this.#moments.push(Number(frame.nanoseconds - from));
      this.bytes += packetBytes(frame.data.length);
      const header = parsePacket(frame.data, frame.linkType);
      this.#rows.push(
        header === undefined
          ? -1
          : this.#table.add(
              frame.time,
              this.#table.pointOf(this.#host, this.interfaceOf(header.interfaceIndex), header.outgoing),
              header,
            ),
      );
    }
    return from;
  }

  /** When its frames came is of no use once they are merged. */
  forget(): void {
    this.#moments.clear();
    this.#rows.clear();
  }

  interfaceOf(index: number): string {
    return this.#names[index] ?? `if${index}`;
  }

  /** A frame with where it was captured. */
  placed(frame: Frame): CapturedFrame {
    const { nanoseconds, time, data, originalLength, linkType } = frame;
    const name = this.interfaceOf(interfaceIndexOf(data, linkType));
    return { nanoseconds, time, data, originalLength, linkType, host: this.#host, interface: name };
  }
}

/** The captures of each act and host, while they are not merged yet. */
function readPieces(folder: string, acts: readonly ActRecord[]): Capture {
  const missing = new Set(
    acts.flatMap(({ name, addresses }) => Object.keys(addresses).map((host) => `${name}.${host}.pcap`)),
  );
  const cut: string[] = [];
  const table = new PacketTable();
  const wires = new TupleNumbers();
  const pieces: Piece[] = [];
  const hosts = new Set<string>();
  let since: Since | undefined;
  for (const file of readdirSync(folder)) {
    const [, act, host] = PIECE.exec(file) ?? [];
    if (act === undefined || host === undefined) continue;
    missing.delete(file);
    const names = acts.find((candidate) => candidate.name === act)?.interfaces[host] ?? {};
    const piece = new Piece(join(folder, file), { host, names }, { table, wires });
    since = piece.read(since);
    if (!piece.whole) cut.push(`${file} ends in the middle of a packet`);
    pieces.push(piece);
    if (piece.length > 0) hosts.add(host);
  }
  table.trim();
  const order = mergeTracks(pieces);
  return {
    packets: packetsIn(order, pieces, table),
    frames: order.length,
    hosts: [...hosts],
    cut: [...cut, ...[...missing].map((file) => `${file} is missing`)],
    write: (file, notes) => writeMerged(file, order, pieces, notes),
  };
}

function packetsIn(order: Uint16Array, pieces: readonly Piece[], table: PacketTable): Packet[] {
  const next = pieces.map(() => 0);
  const packets: Packet[] = [];
  for (const [index, which] of order.entries()) {
    const at = next[which] as number;
    next[which] = at + 1;
    const row = (pieces[which] as Piece).rowOf(at);
    if (row < 0) continue;
    table.columns.n[row] = index + 1;
    packets.push(table.packet(row));
  }
  for (const piece of pieces) piece.forget();
  return packets;
}

function writeMerged(
  file: string,
  order: Uint16Array,
  pieces: readonly Piece[],
  notes: ReadonlyMap<number, string>,
): void {
  const cursors = pieces.map((piece) => piece.frames());
  const bytes = pieces.reduce((sum, piece) => sum + piece.bytes, 0);
  writeFrames(file, bytes, (add) => {
    for (const [index, which] of order.entries()) {
      const frame = cursors[which]?.next().value as Frame;
      add((pieces[which] as Piece).placed(frame), notes.get(index + 1));
    }
  });
}

/** @param bytes how many the packets will take, nearly */
function writeFrames(
  file: string,
  bytes: number,
  each: (add: (frame: CapturedFrame, comment: string | undefined) => void) => void,
): void {
  writePlainPieces(file, (write) => {
    const packed = packer(bytes, write);
    const writer = new PcapngWriter(packed.add, APPLICATION);
    each((frame, comment) => writer.add(comment === undefined ? frame : { ...frame, comment }));
    writer.end();
    packed.end();
  });
}

function readMerged(file: string): Capture {
  const table = new PacketTable();
  const packets: Packet[] = [];
  const hosts = new Set<string>();
  let frames = 0;
  let bytes = 0;
  const { cut } = eachFrame(bytesOf(file), (frame) => {
    frames++;
    bytes += packetBytes(frame.data.length);
    hosts.add(frame.host);
    const header = parsePacket(frame.data, frame.linkType);
    if (header === undefined) return;
    const row = table.add(frame.time, table.pointOf(frame.host, frame.interface, header.outgoing), header);
    table.columns.n[row] = frames;
    packets.push(table.packet(row));
  });
  table.trim();
  return {
    packets,
    frames,
    hosts: [...hosts],
    cut: cut ? [`${CAPTURE_FILE} ends in the middle of a packet`] : [],
    write: (to, notes) =>
      writeFrames(to, bytes, (add) => {
        let number = 0;
        eachFrame(bytesOf(file), ({ comment: _, ...frame }) => add(frame, notes.get(++number)));
      }),
  };
}

const bytesOf = (file: string): Buffer => unpackCapture(readBytes(file, MOST_BYTES.evidence), MOST_BYTES.evidence);

/** @throws LabError BAD_EVIDENCE */
export function readCapture(folder: string, acts: readonly ActRecord[]): Capture {
  const merged = join(folder, CAPTURE_FILE);
  try {
    const capture = existsSync(merged) ? readMerged(merged) : readPieces(folder, acts);
    const stranger = capture.hosts.find((host) => !ID.test(host));
    if (stranger !== undefined) throw new Error(`it is of a host called ${JSON.stringify(stranger)}`);
    return capture;
  } catch (error) {
    if (error instanceof LabError) throw error;
    throw badEvidence(CAPTURE_FILE, messageOf(error), undefined, error);
  }
}
