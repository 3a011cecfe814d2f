import type { CsvValue } from '../../base/escape/csv.ts';
import type { SweepResult } from '../../sweep/result.ts';
import { whyText } from '../../sweep/sentences.ts';
import { doesAll, settingNames } from './say.ts';

/** A flat row for each cell; durations in seconds, what was not measured is null. */
export function csvRows(result: SweepResult): Record<string, CsvValue>[] {
  const names = settingNames(result);
  const { lost, outages, boxes } = result;
  return result.cells.map((cell) => {
    const { measured, predicted } = cell;
    const part = (of: { yes: number; of: number } | undefined) =>
      of === undefined || of.of === 0 ? null : of.yes / of.of;
    const noticed = (side: 'client' | 'server', what: 'idle' | 'inFlight') =>
      measured?.deadPeer[side][what]?.times.at(-1) ?? null;
    return {
      cell: cell.id,
      why: cell.why === undefined ? null : whyText(cell.why),
      middlebox: boxes[cell.box]?.profile ?? null,
      idleTimeoutSeconds: boxes[cell.box]?.middlebox.timeoutSeconds ?? null,
      ...Object.fromEntries(names.map((name) => [name, cell.point[name] ?? null])),
      predictedSurvives: predicted.survives,
      repeats: measured?.survives.of ?? null,
      survives: part(measured?.survives),
      survivesLow: measured?.survives.low ?? null,
      survivesHigh: measured?.survives.high ?? null,
      firstRequest: measured
        ? Object.entries(measured.firstRequest)
            .map(([met, times]) => `${met}:${times}`)
            .join(' ')
        : null,
      requestSeconds: measured?.requestSeconds.at(-1) ?? null,
      ...Object.fromEntries(lost.map((number) => [`survivesLost${number}`, part(measured?.lost[number])])),
      ...Object.fromEntries(outages.map((seconds) => [`survivesOutage${seconds}s`, part(measured?.outage[seconds])])),
      clientNoticesIdleSeconds: noticed('client', 'idle'),
      clientNoticesInFlightSeconds: noticed('client', 'inFlight'),
      serverNoticesIdleSeconds: noticed('server', 'idle'),
      serverNoticesInFlightSeconds: noticed('server', 'inFlight'),
      packetsAnHour: measured?.cost?.packetsAnHour ?? null,
      bytesAnHour: measured?.cost?.bytesAnHour ?? null,
      zombies: part(measured?.zombies),
      lostMessages: measured?.lostMessages ?? null,
      duplicatedCommands: measured?.duplicatedCommands ?? null,
      doesAll: doesAll(cell) ? 'yes' : 'no',
    };
  });
}
