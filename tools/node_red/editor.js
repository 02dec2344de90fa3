// In the editor: the debug sidebar, which has the conversation, is what a visitor wants to see first.
const waiting = setInterval(() => {
  if (!window.RED || !RED.sidebar || !RED.nodes || !RED.nodes.getType('CSMS')) return
  clearInterval(waiting)
  RED.sidebar.show('debug')
}, 200)
