/** What the lab's process can tell of what decides the outcomes there. */
export interface LabConditions {
  /** Release, as of uname -r. */
  kernel: string;
  /** Timer interrupts a second. */
  hz: number;
  /** As Node.js calls it: x64, arm64. */
  architecture: string;
  /** Versions of the programs that played a part, by name. */
  programs: Record<string, string>;
}
