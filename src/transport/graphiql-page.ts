import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { tour } from './graphiql-tour.ts'
import { graphqlPath } from './yoga.ts'

/** GraphiQL as one document that loads nothing. */
export interface GraphiqlPage {
  readonly html: string
  /** Base64 SHA-256 of every inline script, in the form a Content-Security-Policy takes. */
  readonly scriptHashes: readonly string[]
}

const title = 'Ocean Graph'
const operationsDirectory = fileURLToPath(new URL('../../schema/operations/', import.meta.url))

/** Renders the page, with the documents of the tour as its first tabs. */
export async function renderGraphiqlPage(): Promise<GraphiqlPage> {
  // 9 MB of source, so it is loaded when somebody opens the page and not when the server starts.
  const bundle = await import('@graphql-yoga/render-graphiql/graphiql')
  const { editorWorkerService, jsonWorker, graphqlWorker } = bundle
  const scripts = [
    credentialSocket,
    editorWorkers({ editorWorkerService, json: jsonWorker, graphql: graphqlWorker }),
    bundle.js,
    start(await tourTabs()),
  ]
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title}</title>
<link rel="icon" href="${bundle.favicon}">
<style>${bundle.css}${tabsStay}</style>
</head>
<body class="no-focus-outline">
<noscript>GraphiQL needs JavaScript.</noscript>
<div id="root"></div>
${scripts.map((script) => `<script>${script}</script>`).join('\n')}
</body>
</html>
`
  return { html, scriptHashes: scripts.map((script) => createHash('sha256').update(script).digest('base64')) }
}

// GraphiQL moves a pressed tab to a place it remembers wrongly, so that the first click on each would be lost.
const tabsStay = '.graphiql-tab { transform: none !important }'

/** What a tab begins with; GraphiQL takes variables as text. */
interface Tab {
  readonly query: string
  readonly variables?: string
}

function tourTabs(): Promise<Tab[]> {
  return Promise.all(
    Object.entries(tour).map(async ([name, variables]) => {
      const query = await readFile(`${operationsDirectory}${name}.graphql`, 'utf8')
      const hasVariables = Object.keys(variables).length > 0
      return hasVariables ? { query, variables: JSON.stringify(variables, null, 2) } : { query }
    }),
  )
}

/** A value as JavaScript that cannot end the script it stands in. */
function literal(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c')
}

/**
 * GraphiQL has no option that brings its headers to a socket: it opens one with empty credentials and then puts the
 * headers into each operation. So this socket holds the opening back until the first operation, opens with that one's
 * headers, and takes them out of it. GraphiQL opens a new socket for each run, so changed headers count from the next.
 */
const credentialSocket = `
window.WebSocket = class extends WebSocket {
  #state = 'new'
  #held = []
  constructor(url, protocols) {
    super(url, protocols)
    // Registered before GraphiQL's own listeners, which had their acknowledgement already.
    this.addEventListener('message', (event) => {
      if (this.#state !== 'opening' || JSON.parse(event.data).type !== 'connection_ack') return
      event.stopImmediatePropagation()
      this.#state = 'open'
      for (const text of this.#held.splice(0)) super.send(text)
    })
    // Left to itself, GraphiQL would try refused credentials five more times and then show an empty error.
    this.addEventListener('close', ({ code, reason }) => {
      if (code !== 4403) return
      const error = new Error('The server refused these credentials (4403 ' + reason + ').')
      error.stack = undefined // it would be shown
      this.onerror?.(error)
    })
  }
  send(text) {
    const message = JSON.parse(text)
    if (message.type === 'connection_init') {
      const data = JSON.stringify({ type: 'connection_ack' })
      return queueMicrotask(() => this.dispatchEvent(new MessageEvent('message', { data })))
    }
    if (message.type === 'subscribe') {
      const { headers = {}, ...extensions } = message.payload.extensions ?? {}
      message.payload.extensions = extensions
      if (this.#state === 'new') {
        this.#state = 'opening'
        super.send(JSON.stringify({ type: 'connection_init', payload: headers }))
      }
    }
    const stripped = JSON.stringify(message)
    if (this.#state === 'open') super.send(stripped)
    else this.#held.push(stripped)
  }
}
`

function editorWorkers(sources: Readonly<Record<string, string>>): string {
  return `
const workers = ${literal(sources)}
for (const [label, source] of Object.entries(workers)) {
  workers[label] = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }))
}
self.MonacoEnvironment = { globalAPI: false, getWorkerUrl: (_module, label) => workers[label] }
`
}

/**
 * A query in the address gets a tab of its own, before the documents. What is typed as headers in one tab is taken over
 * by those without headers of their own, and is stored in the browser only if the user asks for that in the settings.
 */
function start(documents: readonly Tab[]): string {
  return `
const documents = ${literal(documents)}
const linked = new URLSearchParams(location.search).get('query')
const tabs = linked ? [{ query: linked }, ...documents] : documents
let shared = null
YogaGraphiQL.renderYogaGraphiQL(document.querySelector('#root'), {
  title: ${literal(title)},
  endpoint: ${literal(graphqlPath)},
  subscriptionsProtocol: 'WS',
  shouldPersistHeaders: undefined,
  onTabChange: ({ tabs, activeTabIndex }) => {
    const typed = tabs[activeTabIndex].headers
    if (typed === null) return
    for (const tab of tabs) if (tab.headers === null || tab.headers === shared) tab.headers = typed
    shared = typed
  },
  defaultTabs: tabs,
  // GraphiQL shows the variables of each tab but the first. On a later visit it has tabs and variables of its own.
  variables: localStorage.getItem('graphiql:tabState') ? undefined : tabs[0].variables,
})
`
}
