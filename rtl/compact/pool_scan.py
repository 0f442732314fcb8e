"""Takes the maximum over every pooling window, in all lanes at once, and puts it where the window's sums were."""
from myhdl import always_comb, always_seq, block

from rtl.compact.sizes import CHANNEL_BITS, place_bits, small
from rtl.stream import bit, unsigned, wrapping


class Access:
    """What a lane's memory is to do: read a sum; keep, freeze: see sum_lane; write: put the total to `target` once there."""

    def __init__(self, config):
        self.valid, self.keep, self.freeze, self.write = bit(), bit(), bit(), bit()
        self.address, self.target = unsigned(config.acc_address_bits), unsigned(config.acc_address_bits)


@block
def pool_scan(clk, rst, config, start, settings, access, start_address, last_address, end_address, busy):
    """For chunk, fired y, fired x, window dy, dx: sum address (y * stride_y + x * stride_x + chunk), as far as it is
    in the tile.

    y = fired_y * pool_stride - pool_pad_y + dy, x = fired_x * pool_stride - pool_pad + dx. A window's maximum goes to
    start_address + (fired_y * fired_width + fired_x) * stride_x + chunk, start_address = -(pool_pad_y * stride_y +
    pool_pad * stride_x): nothing that a later window reads is there, as long as the fired map is not larger than the tile.
    start: pulse; settings: Settings, held.  access: Access, registered.  last_address: highest sum read.  end_address:
    that of the last maximum.  busy: from start until the last access was given, and start_address is there.
    pool_end + 1, pool_stride, pool_pad: at most 7; without padding, and windows inside the tile, where the device is small.
    One read a cycle, after a cycle for each of pool_stride or padding to prepare where there is pooling. Reset stops it.
    """
    bits, wide, lanes = config.acc_address_bits, place_bits(config), config.lanes
    prepare_q, active_q, opened_q = bit(), bit(), bit()
    turn_q, origin_0, address_mask = wrapping(3), wrapping(bits), (1 << bits) - 1
    step_y, step_x, step, base, moved, back = (wrapping(bits) for _ in range(6))
    origin_q, line_q, window_q, stripe_q, at_q, target_q = (wrapping(bits) for _ in range(6))
    dy_q, dx_q = unsigned(4), unsigned(4)
    fired_y_q, fired_x_q = unsigned(wide - 2), unsigned(wide - 2)
    top_q, left_q, y_q, x_q, first_y, first_x, moved_y, moved_x = (wrapping(wide) for _ in range(8))
    end_dx, end_dy, end_window, end_x, end_y, end_row, end_chunk, end_pass, covered, pooled, prepared = (bit() for _ in range(11))
    reached_q = wrapping(CHANNEL_BITS + 1)
    follows_q, dx_ends, window_ends, row_ends, chunk_ends, pass_ends, covered_q = (bit() for _ in range(7))
    unpadded = small(config)

    @always_comb
    def ends():
        end_dx.next = dx_q == settings.pool_end
        end_dy.next = dy_q == settings.pool_end
        end_x.next = fired_x_q == settings.right
        end_y.next = fired_y_q == settings.bottom
        end_pass.next = reached_q >= settings.fired
        # Places above and left of the tile are the largest numbers.
        covered.next = unpadded or (y_q <= settings.tile_bottom and x_q <= settings.tile_right)
        pooled.next = settings.pool_end != 0 or settings.pool_stride != 1
        prepared.next = not (turn_q < settings.pool_stride or turn_q < settings.pool_pad_y or turn_q < settings.pool_pad)
        if unpadded:
            prepared.next = turn_q >= settings.pool_stride

    @always_comb
    def nest():
        end_window.next = end_dx and end_dy
        end_row.next = end_dx and end_dy and end_x
        end_chunk.next = end_dx and end_dy and end_x and end_y

    @always_comb
    def aim():
        base.next = at_q
        step.next = settings.stride_x & address_mask
        if chunk_ends:
            base.next = origin_q
            step.next = 1
        elif row_ends:
            base.next = line_q
            step.next = step_y
        elif window_ends:
            base.next = window_q
            step.next = step_x
        elif dx_ends:
            base.next = stripe_q
            step.next = settings.stride_y & address_mask

    @always_comb
    def move():
        moved.next = base + step
        first_y.next = 0
        first_x.next = 0
        if not unpadded:
            first_y.next = 0 - settings.pool_pad_y
            first_x.next = 0 - settings.pool_pad
        moved_x.next = x_q + 1
        if end_window:
            moved_x.next = left_q + settings.pool_stride
        moved_y.next = y_q + 1
        if end_row:
            moved_y.next = top_q + settings.pool_stride
        back.next = 0
        if turn_q < settings.pool_pad_y and turn_q < settings.pool_pad:
            back.next = (settings.stride_y + settings.stride_x) & address_mask
        elif turn_q < settings.pool_pad_y:
            back.next = settings.stride_y & address_mask
        elif turn_q < settings.pool_pad:
            back.next = settings.stride_x & address_mask
        busy.next = prepare_q or active_q or follows_q or access.valid
        start_address.next = origin_0
        end_address.next = target_q

    @always_seq(clk.posedge, reset=rst)
    def give():
        access.valid.next = follows_q
        access.address.next = at_q
        access.freeze.next = not unpadded and not covered_q
        access.keep.next = opened_q
        access.target.next = target_q
        access.write.next = follows_q and window_ends
        if follows_q and (unpadded or covered_q):
            last_address.next = at_q
            opened_q.next = True
        if window_ends:
            opened_q.next = False

    @always_seq(clk.posedge, reset=rst)
    def prepare():
        # The products of strides with pool stride and padding, one addition a cycle.
        if start:
            prepare_q.next = pooled
            turn_q.next = 0
            origin_0.next = 0
            step_y.next = 0
            step_x.next = 0
        elif prepare_q:
            turn_q.next = turn_q + 1
            if turn_q < settings.pool_stride:
                step_y.next = step_y + settings.stride_y
                step_x.next = step_x + settings.stride_x
            if not unpadded:
                origin_0.next = origin_0 - back
            if prepared:
                prepare_q.next = False

    @always_seq(clk.posedge, reset=rst)
    def walk():
        # Addresses follow a cycle behind the places, so that no path has both in it.
        follows_q.next = active_q
        dx_ends.next = end_dx
        window_ends.next = end_window
        row_ends.next = end_row
        chunk_ends.next = end_chunk
        pass_ends.next = end_pass
        covered_q.next = covered
        if prepare_q:
            active_q.next = prepared
            dy_q.next = 0
            dx_q.next = 0
            reached_q.next = lanes
            fired_y_q.next = 0
            fired_x_q.next = 0
            top_q.next = first_y
            y_q.next = first_y
            left_q.next = first_x
            x_q.next = first_x
        elif active_q:
            dx_q.next = dx_q + 1
            x_q.next = moved_x
            if end_dx:
                dx_q.next = 0
                x_q.next = left_q
                dy_q.next = dy_q + 1
                y_q.next = moved_y
            if end_window:
                dy_q.next = 0
                y_q.next = top_q
                x_q.next = moved_x
                left_q.next = moved_x
                fired_x_q.next = fired_x_q + 1
            if end_row:
                x_q.next = first_x
                left_q.next = first_x
                fired_x_q.next = 0
                y_q.next = moved_y
                top_q.next = moved_y
                fired_y_q.next = fired_y_q + 1
            if end_chunk:
                y_q.next = first_y
                top_q.next = first_y
                fired_y_q.next = 0
                reached_q.next = reached_q + lanes
                if end_pass:
                    active_q.next = False

    @always_seq(clk.posedge, reset=rst)
    def follow():
        if prepare_q:
            target_q.next = origin_0
            origin_q.next = origin_0
            line_q.next = origin_0
            window_q.next = origin_0
            stripe_q.next = origin_0
            at_q.next = origin_0
        elif follows_q:
            at_q.next = moved
            if dx_ends:
                stripe_q.next = moved
            if window_ends:
                window_q.next = moved
                target_q.next = target_q + settings.stride_x
            if row_ends:
                line_q.next = moved
            if chunk_ends:
                origin_q.next = moved
                target_q.next = moved
                if pass_ends:
                    target_q.next = target_q

    return ends, nest, aim, move, give, prepare, walk, follow
