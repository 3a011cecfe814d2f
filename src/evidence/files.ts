/** What lies in a run's folder. */
export const RUN_FILE = 'run.json';
export const CAPTURE_FILE = 'capture.pcapng';
export const EVIDENCE_FILES = { sockets: 'sockets.ndjson', flows: 'flows.ndjson', events: 'events.ndjson' } as const;
