// Text that others wrote (a device, a tool, a bundle's author), on its way to a person's terminal or a line of a log.
// Invariant: what comes out is one line, and nothing in it commands a terminal or turns the order of what is read.

const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;
const COMMANDS = /(?![\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** One line: control characters, line ends and marks of direction as `\u001b`, as JSON would write them. */
export function oneLine(text: string): string {
  return text.replace(UNPRINTABLE, escaped);
}

/** The same for text of several lines: its line ends and tabs stay. */
export function printable(text: string): string {
  return text.replace(COMMANDS, escaped);
}
