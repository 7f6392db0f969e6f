import { chromium, type Page } from 'playwright-core'
import { findChromium } from './installed-services.ts'
import { temporaryDirectory } from './lane.ts'

/** A page in a real browser that reaches one host alone. */
export interface BrowserPage {
  readonly page: Page
  /** Every address of another host that the page asked for, in vain, and what its own policy forbade it. */
  readonly strayAddresses: readonly string[]
  /** What went wrong in the page and was caught by nobody. */
  readonly errors: readonly string[]
  close(): Promise<void>
}

// Ample for a machine that is busy with other tests: each wait ends as soon as its condition holds.
const WAIT_LIMIT_MILLIS = 60_000

const args = [
  '--headless',
  '--no-sandbox', // which does not run as root
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Opens an empty page of a browser that has never run before, and may talk to `host` (with its port) alone. */
export async function openBrowser(host: string): Promise<BrowserPage> {
  const directory = temporaryDirectory()
  const context = await chromium.launchPersistentContext(directory.path, {
    executablePath: findChromium(),
    args: [...args, `--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE ${new URL(`http://${host}`).hostname}`],
    timeout: WAIT_LIMIT_MILLIS,
    viewport: { width: 1400, height: 900 },
  })
  context.setDefaultTimeout(WAIT_LIMIT_MILLIS)
  const strayAddresses: string[] = []
  const errors: string[] = []
  // What is within the page (data:, blob:) has no host.
  const isStray = (url: URL) => url.host !== '' && url.host !== host
  const note = (address: string) => {
    if (isStray(new URL(address))) strayAddresses.push(address)
  }
  await context.route(isStray, (route) => route.abort())
  context.on('request', (request) => note(request.url()))
  context.on('weberror', (error) => errors.push(String(error.error())))
  const page = context.pages()[0] ?? (await context.newPage())
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) strayAddresses.push(message.text())
  })
  page.on('websocket', (socket) => note(socket.url()))
  return {
    page,
    strayAddresses,
    errors,
    close: async () => {
      await context.close()
      await directory.remove()
    },
  }
}
