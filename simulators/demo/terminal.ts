// What the demo prints: one line a time, the speaker first, so that devices and gateway can be told apart; colour on a TTY only.

export interface DemoTerminal {
  /** A line of somebody: `ahu1    │ write holding register 106 = 3000 …`. */
  line(speaker: string, text: string): void;
  /** A line of the demo itself. */
  say(text: string): void;
}

const RESET = '\x1b[0m';
const COLOURS: Readonly<Record<string, string>> = { gateway: '\x1b[36m', cloud: '\x1b[35m', demo: '\x1b[1m' };
const DEVICE_COLOUR = '\x1b[32m';
const REFUSED_COLOUR = '\x1b[33m';
const FAILED_COLOUR = '\x1b[31m';

/** Writes to a stream; a stream that is no terminal, or `NO_COLOR`, gets plain text. */
export function terminalOn(stream: NodeJS.WriteStream): DemoTerminal {
  const coloured = stream.isTTY === true && !process.env.NO_COLOR;
  const paint = (colour: string | undefined, text: string): string =>
    coloured && colour !== undefined ? `${colour}${text}${RESET}` : text;
  return {
    line(speaker, text) {
      const colour = COLOURS[speaker] ?? DEVICE_COLOUR;
      stream.write(`${paint(colour, `${speaker.padEnd(8)} │`)} ${paint(toneOf(text), text)}\n`);
    },
    say: (text) => void stream.write(`${text}\n`),
  };
}

function toneOf(text: string): string | undefined {
  if (/^\S+ warn /.test(text)) return REFUSED_COLOUR;
  return /^\S+ error /.test(text) ? FAILED_COLOUR : undefined;
}
