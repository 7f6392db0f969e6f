import module from 'node:module'

// Loaded before the program by `node --import`, and plain JavaScript: an older Node cannot read the program to be told.
const NEEDED_MAJOR = 24
// sysexits.h
const EX_CONFIG = 78

const { node } = process.versions
if (Number.parseInt(node, 10) < NEEDED_MAJOR) {
  process.stderr.write(
    `ocean-graph needs Node ${NEEDED_MAJOR} or newer, and this is Node ${node}: install it, or let npm install bring it.\n`,
  )
  process.exit(EX_CONFIG)
}

// Later starts then need not compile the sources again, which is a third of a start. It is kept in the system's temporary
// directory, for this user and version alone; where that cannot be written, nothing is kept.
module.enableCompileCache?.()
