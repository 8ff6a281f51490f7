# A pymodbus Modbus/TCP server: every table of every named unit holds `size` places from 0 that begin at `value`.
# It has no record of its own: what it holds afterwards is the witness.
import asyncio
import sys

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartAsyncTcpServer

host, port, size, value = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
units = [int(unit) for unit in sys.argv[5].split(",")]


def slave():
    def block(start):
        return ModbusSequentialDataBlock(0, [start] * size)

    return ModbusSlaveContext(di=block(value & 1), co=block(value & 1), hr=block(value), ir=block(value), zero_mode=True)


context = ModbusServerContext(slaves={unit: slave() for unit in units}, single=False)
asyncio.run(StartAsyncTcpServer(context, address=(host, port)))
