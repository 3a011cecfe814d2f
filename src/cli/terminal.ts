/** Width of a stream's terminal, characters. */
export const columnsOf = (stream: NodeJS.WriteStream): number => stream.columns ?? (Number(process.env.COLUMNS) || 100);

/** Colour on terminals, unless NO_COLOR or the terminal says no; FORCE_COLOR wins. */
export const colored = (stream: NodeJS.WriteStream): boolean =>
  process.env.FORCE_COLOR ? process.env.FORCE_COLOR !== '0' : stream.isTTY === true && stream.hasColors();
