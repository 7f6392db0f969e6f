import { setTimeout as delay } from 'node:timers/promises'
import { styleText } from 'node:util'

/** What the story is told on: coloured and with pauses on a terminal, plain and without elsewhere. */
export interface Screen {
  title(text: string): void
  /** Begins a scene, after a pause. */
  scene(text: string): Promise<void>
  /** What somebody does; `who` stands in front. */
  tell(who: string, text: string): void
  /** A word from the wings. */
  aside(text: string): void
  /** A stretch of a text that comes bit by bit; what was `late` looks different. */
  stream(text: string, late?: boolean): void
  /** Something that was checked and holds. */
  proof(text: string): void
  /** Time to read, on a terminal. */
  pause(): Promise<void>
  /** From here on nothing is shown. */
  darken(): void
}

const PAUSE_MILLIS = 700
const MAX_WIDTH = 100
const MARGIN = '    │ '

type Format = Parameters<typeof styleText>[0]
const colours: Readonly<Record<string, Format>> = { Ada: ['bold', 'magenta'], Ben: ['bold', 'cyan'] }

/** Tells on a stream. Colours follow it, NO_COLOR and FORCE_COLOR. */
export function createScreen(stream: NodeJS.WriteStream): Screen {
  let isDark = false
  // Of the line that `stream` is on; 0 between lines.
  let column = 0
  // What stands behind the last word, kept back until another one follows.
  let space = ''
  const write = (text: string) => {
    if (!isDark) stream.write(text)
  }
  const style = (format: Format, text: string) => styleText(format, text, { stream })
  const line = (text: string) => {
    if (column > 0) write('\n')
    column = 0
    space = ''
    write(`${text}\n`)
  }
  const pause = async () => {
    if (stream.isTTY && !isDark) await delay(PAUSE_MILLIS)
  }
  const word = (text: string, isLate: boolean) => {
    const width = Math.min(stream.columns || MAX_WIDTH, MAX_WIDTH)
    if (column > 0 && column + space.length + text.length > width) breakRow()
    if (column === 0) {
      write(style('dim', MARGIN))
      column = MARGIN.length
    }
    write(space + (isLate ? style('yellow', text) : text))
    column += space.length + text.length
    space = ''
  }
  const breakRow = () => {
    write(column === 0 ? `${style('dim', MARGIN.trimEnd())}\n` : '\n')
    column = 0
    space = ''
  }
  return {
    title: (text) => line(`\n${style(['bold', 'yellow'], text)}`),
    scene: async (text) => {
      await pause()
      line(`\n${style('bold', text)}`)
    },
    tell: (who, text) => line(`  ${style(colours[who] ?? 'bold', who)} ${text}`),
    aside: (text) => line(`  ${style('dim', text)}`),
    stream: (text, late = false) => {
      for (const [piece] of text.matchAll(/\n|[^\S\n]+|\S+/g)) {
        if (piece === '\n') breakRow()
        else if (piece.trim() === '') space = column === 0 ? '' : piece
        else word(piece, late)
      }
    },
    proof: (text) => line(`  ${style('green', '✓')} ${text}`),
    pause,
    darken: () => {
      isDark = true
    },
  }
}
