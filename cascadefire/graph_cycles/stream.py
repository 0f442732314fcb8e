"""When the program's words come."""

from math import ceil

from cascadefire.graph_cycles import latencies as at
from cascadefire.graph_cycles.curve import Curve


class ProgramWords:
    """The program stream: 32-bit words, one a cycle where the memory words are there."""

    def __init__(self, config, port, length):
        self.port, self.ratio, self.length = port, config.port_bytes / 4, length    # ratio: 32-bit words of a memory word
        self.ahead = int(at.PROGRAM_AHEAD * self.ratio)
        self.words, self.time = Curve(), 0.0

    def read(self, begin, sections):
        """Return when the last word of the next sections is taken, the first not before `begin`.  sections: words of each."""
        for number in sections:
            end = self._section(begin, number)
            begin = end + at.SECTION_TO_SECTION
        return end

    def _section(self, begin, number):
        ahead, first = self.ahead, self.words.total
        cycle = max(1.0, 1 / self.ratio)
        begin = max(begin, self.time + 1, self.words.at(first - ahead) + self.port.turn if first >= ahead else
                    at.LAUNCH + self.port.answer)
        end = begin + (number - 1) * cycle
        if first + number - 1 >= ahead:
            end = max(end, self.words.at(first + number - 1 - ahead) + self.port.turn)
        if number > ahead:
            end = max(end, begin + (number - 1) // ahead * self.port.turn + (number - 1) % ahead * cycle)
        self.words.add(number, begin, end)
        self.time = end
        return end

    def start(self):
        """Ask for the words that are there before the first one is taken."""
        self.port.program(at.LAUNCH, 1, min(at.PROGRAM_AHEAD, ceil(self.length / self.ratio)))

    def announce(self, begin, number):
        """Tell the port that the next `number` words are read from about `begin` on."""
        # What is ahead is here, and at last there are no more.
        fetched = max(0, min(number, self.length - self.ahead - self.words.total))
        self.port.program(begin, max(1.0, self.ratio, self.port.turn / at.PROGRAM_AHEAD), int(fetched / self.ratio))
