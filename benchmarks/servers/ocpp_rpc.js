// npm ocpp-rpc as its README has it, strict mode on. Its modules are those of the interoperability tests (NODE_PATH).
'use strict';
const http = require('http');
const { RPCServer } = require('ocpp-rpc');

const deflate = process.argv.includes('--deflate');
const rpc = new RPCServer({
    protocols: ['ocpp2.0.1', 'ocpp1.6'],
    strictMode: true,
    wssOptions: { perMessageDeflate: deflate },
});
rpc.auth((accept) => accept());
rpc.on('client', (client) => {
    client.handle('TransactionEvent', () => ({}));
    client.handle('Heartbeat', () => ({ currentTime: new Date().toISOString() }));
    client.handle('MeterValues', () => ({}));
});

const server = http.createServer();
server.on('upgrade', rpc.handleUpgrade);
server.listen(0, '127.0.0.1', 4096, () => console.log(`ready ${server.address().port}`));
process.stdin.on('end', () => process.exit(0)).resume();
